#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the guides tell people to type, for automake's TESTS; cases that need what is not here say so and are skipped.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
