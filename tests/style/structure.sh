#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The structure of the tree: the size of directories, the mirror in tests/unit/, circles between files.
# Use: structure.sh [TREE]; the objects are those of $top_builddir, or of the directory it is started in.
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
here=$(cd "$(dirname "$0")" && pwd) || exit 99
root=$(cd "${1:-${top_srcdir:-$here/../..}}" && pwd) || exit 99
command -v python3 >/dev/null || { echo "structure: skipped, python3 is not installed"; exit 77; }
command -v nm >/dev/null || { echo "structure: skipped, nm (binutils) is not installed"; exit 77; }
bad=0
python3 "$here/folders.py" "$root" || bad=1
python3 "$here/circles.py" "$build" "$root" || bad=1
exit $bad
