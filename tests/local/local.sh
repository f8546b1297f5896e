#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The API server of local mode as its users meet it: kubectl, the Python client, hostile input, kills, a full disk.
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
[ -x "${top_builddir:-.}/agent-sandbox-local" ] || { echo "skipped: agent-sandbox-local is not built"; exit 77; }
top_builddir=$(cd "${top_builddir:-.}" && pwd)
export top_builddir
# $LOCAL_MODULES: other modules than all of them.
# shellcheck disable=SC2086 # a list of words
cd "$here" && exec python3 -W ignore::ResourceWarning -m unittest ${LOCAL_MODULES:-test_bad_input test_bounds test_connections test_crash test_kubectl test_lists test_parameters test_python_client test_remote test_state test_text test_up} "$@"
