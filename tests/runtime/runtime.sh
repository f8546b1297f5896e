#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tests of the server inside a sandbox for automake's TESTS; exits 77 where Python is missing.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
