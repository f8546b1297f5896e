#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Local mode's kinds against a real API server, for automake's TESTS; exits 77 without $KUBEBUILDER_ASSETS or Python.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/test_types.py" "$@"
