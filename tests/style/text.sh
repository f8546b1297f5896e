#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Comments of the installed headers and string literals are whole; see text.py.
# Use: text.sh [TREE]
command -v python3 >/dev/null || { echo "text: skipped, python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/text.py" "$@"
