#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes configure in a git checkout; a release tarball has it already.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-obsolete
