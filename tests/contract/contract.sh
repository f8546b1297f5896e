#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The contract suite for automake's TESTS; exits 77 where $KUBEBUILDER_ASSETS or Python is missing.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
