#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real containers from a claim on, then kubectl's exec, attach and port-forward into some; exits 77 where they cannot be
# run (see run.py).
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
top_builddir=$(cd "${top_builddir:-.}" && pwd)
export top_builddir
python3 "$here/run.py" "$@" || exit
[ $# -eq 0 ] || exit 0
# The image is there now: run.py makes it.
cd "$here/../local" && REMOTE_RUNTIME=podman REMOTE_IMAGE=localhost/python-runtime-sandbox:latest \
	exec python3 -W ignore::ResourceWarning -m unittest test_remote
