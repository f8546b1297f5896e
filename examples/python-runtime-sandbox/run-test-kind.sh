#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests this example's Sandbox in a kind cluster; scripts/test-kind.sh says what is done and what can be set.
set -eu
cd "$(dirname "$0")"
exec ../../scripts/test-kind.sh sandbox-python-kind.yaml
