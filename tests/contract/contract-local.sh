#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The contract suite against the API server of local mode, for automake's TESTS; exits 77 without Python or kubectl.
for program in python3 kubectl; do
	command -v $program >/dev/null 2>&1 || { echo "skipped: $program is not installed"; exit 77; }
done
exec python3 "$(dirname "$0")/run.py" --server local "$@"
