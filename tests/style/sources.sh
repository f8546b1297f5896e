# SPDX-License-Identifier: Apache-2.0
# Sourced by the style tests: root is the tree to look at, sources prints its C files, one a line.
root=${1:-${top_srcdir:-$(dirname "$0")/../..}}
cd "$root" || exit 99

# In a clone only what git knows counts: a build may lie inside the tree.
sources() {
	if [ -e .git ] && command -v git >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- '*.c' '*.h'
	else
		# distcheck builds in _build, below the sources.
		find . -name _build -prune -o \( -name '*.c' -o -name '*.h' \) -type f -print | sed 's,^\./,,'
	fi | sort
}
