#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The router with the real HAProxy; exits 77 where it cannot run (root, haproxy, Python, an API server).
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
