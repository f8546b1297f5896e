#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests this example's template and claim in a kind cluster; scripts/test-kind.sh says what is done and what can be set.
set -eu
cd "$(dirname "$0")"
EXTENSIONS=true
export EXTENSIONS
exec ../../scripts/test-kind.sh sandbox-python-template.yaml sandbox-python-claim.yaml
