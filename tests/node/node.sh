#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The node against a real kube-apiserver, with the fake runtime; exits 77 where $KUBEBUILDER_ASSETS or Python is missing.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/run.py" "$@"
