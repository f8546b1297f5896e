#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file that git tracks is in the release tarball, but for what only a checkout needs. Skipped outside of one.
set -eu
cd "$top_srcdir"
if ! git rev-parse --show-prefix 2>/dev/null | grep -qx '' || ! git ls-files --error-unmatch Makefile.am >/dev/null 2>&1; then
	echo "skipped: no git checkout"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
# shellcheck disable=SC2016 # for make
"${MAKE:-make}" -s -C "$top_builddir" -f Makefile --eval='print-distfiles: ; @printf "%s\n" $(DISTFILES)' print-distfiles |
	sed -e "s,^$PWD/,," -e 's,^\(\.\./\)*,,' | sort -u >"$work/shipped"
[ -s "$work/shipped" ] || { echo "dist: make does not say what is shipped"; exit 99; }

# A folder in EXTRA_DIST is shipped with all that is in it.
git ls-files | grep -vxE '\.git-blame-ignore-revs|\.gitignore|.*/\.gitignore|\.ci/.*' | awk -v shipped="$work/shipped" '
BEGIN {
	while ((getline name <shipped) > 0) {
		there[name] = 1
	}
}
{
	for (path = $0; path != "" && !(path in there);) {
		if (!sub(/\/[^\/]*$/, "", path)) {
			path = ""
		}
	}
	if (path == "") {
		print "not in the tarball: " $0
		bad = 1
	}
}
END { exit bad }'
