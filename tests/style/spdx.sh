#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each file that git knows says its licence in exactly one comment line near its top. Not asked of: the licence itself,
# formats without comments, prose, and inputs kept byte for byte (corpora).
# Use: spdx.sh [TREE]
. "$(dirname "$0")/sources.sh"

if ! [ -e .git ] || ! command -v git >/dev/null 2>&1; then
	echo "spdx: not a clone, nothing to compare with"
	exit 77
fi
bad=0
for file in $(git ls-files); do
	case $file in
	LICENSE | *.md | *.patch | *.json | *.txt | *.png | *.svg | *.so | */corpus/* | */corpora/* | debian/source/format | debian/copyright | \
		debian/changelog | debian/*.install | debian/*.manpages | debian/*.docs)
		continue
		;;
	esac
	[ -s "$file" ] || continue
	lines=$(grep -cE '^(/\*|//|#|--|;|dnl|<!--|\.\\"|"""|%) *SPDX-License-Identifier: Apache-2\.0' "$file")
	if [ "$lines" -ne 1 ]; then
		echo "$file: $lines SPDX lines, one is wanted"
		bad=1
	elif ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier'; then
		echo "$file: the SPDX line is not at the top"
		bad=1
	fi
done
exit $bad
