#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every flag that --help shows stands in the man page, and the other way round; every name of the ABI that the manual for plugin
# writers uses is in the installed headers.
# Use: docs-sync.sh [TREE]; the programs are those of $top_builddir, or of the folder it is started in.
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
root=$(cd "${1:-${top_srcdir:-$(dirname "$0")/../..}}" && pwd) || exit 99
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
bad=0

# compare PROGRAM MANUAL FLAG...: with these flags --help is complete.
compare() {
	program=$1 manual=$2
	shift 2
	"$build/$program" "$@" --help >"$work/text" || { echo "$program --help fails"; exit 99; }
	sed -n 's/^  --\([a-z0-9.-]*\).*/\1/p' "$work/text" | sort >"$work/help"
	# In the page a flag is the line below a .TP.
	awk 'tag && /^\.B[IR]* / { gsub(/\\-/, "-"); print $2 } { tag = /^\.TP/ }' "$manual" |
		sed -n 's/^--\([a-z0-9.-]*\).*/\1/p' | sort >"$work/page"
	[ -s "$work/help" ] || { echo "no flags in '$program --help'"; exit 99; }
	diff "$work/help" "$work/page" >"$work/difference" && return
	sed -n "s/^< /$program: the man page lacks --/p; s/^> /$program: --help lacks --/p" "$work/difference"
	bad=1
}

compare agent-sandbox-controller "$root/docs/man/agent-sandbox-controller.8" --plugin-dir "$build/.libs"
compare agent-sandbox-node "$root/docs/man/agent-sandbox-node.8"
compare agent-sandbox-local "$root/docs/man/agent-sandbox-local.8"
compare agent-sandbox-router "$root/docs/man/agent-sandbox-router.8"
compare agent-sandbox-runtime "$root/docs/man/agent-sandbox-runtime.8"

cat "$root"/include/agent-sandbox/*.h >"$work/headers" || exit 99
for name in $(grep -oE '\b(asb|ASB)_[A-Za-z0-9_]+' "$root/docs/plugin-abi.md" | sort -u); do
	grep -qF "$name" "$work/headers" || { echo "docs/plugin-abi.md: the headers have no '$name'"; bad=1; }
done
exit $bad
