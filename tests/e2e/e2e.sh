#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real containers from a claim on; exits 77 where they cannot be run (see run.py).
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
