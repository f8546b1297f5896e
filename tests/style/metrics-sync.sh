#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/metrics.md has each metric of core, of the controller and of our plugins with its type and labels, and no other.
# Use: metrics-sync.sh [TREE]; the program and the plugins are those of $top_builddir, or of the folder it is started in.
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
root=$(cd "${1:-${top_srcdir:-$(dirname "$0")/../..}}" && pwd) || exit 99
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
bad=0

# Each line is "name type labels". In core a family is a call, metrics_family(WHERE, "NAME", "HELP", METRIC_TYPE, LABELS, BUCKETS), or
# a row of a table, { "NAME", "HELP", METRIC_TYPE }.
cat "$root"/core/*/*.c "$root"/controller/*.c | tr '\n\t' '  ' >"$work/core" || exit 99
{
	grep -oE 'metrics_family\( *[^,"]+, *"[^"]+", *("[^"]*" *)+, *METRIC_[A-Z]+, *("[^"]*"|NULL)' "$work/core"
	grep -oE '\{ *"[a-z_]+", *("[^"]*" *)+, *METRIC_[A-Z]+ *\}' "$work/core" | sed 's/ *}$/, NULL/'
} | sed -E 's/^[^"]*"([^"]+)".*METRIC_([A-Z]+), *"?([^"]*)"?$/\1 \L\2\E \3/; s/ NULL$/ /' >"$work/code"

# Any other call is one this script cannot read. The two that take their names from tables are known.
grep -oE 'metrics_family\( *[^,"]+, *[^" ][^,]*' "$work/core" |
	grep -vE ', *(const char \*name|table\[which\]\.name|metric->name)$' >"$work/unknown" && {
	sed 's/^/cannot read the name of the metric in: /' "$work/unknown"
	bad=1
}

# In our plugins it is a row of the table that --dump-plugin prints.
for plugin in sandbox template claim warmpool; do
	"$build/agent-sandbox-controller" --dump-plugin "$build/.libs/$plugin.so" >"$work/dump" || exit 99
	grep -oE '\{"name":"[^"]*","help":"([^"\\]|\\.)*","labels":\[[^]]*\],"type":"[a-z]+"\}' "$work/dump" |
		sed -E 's/.*"name":"([^"]*)".*"labels":\[([^]]*)\],"type":"([a-z]+)".*/\1 \3 \2/; s/"//g' >>"$work/code"
done

sed -nE 's/^\| `([a-z_]+)` \| ([a-z]+) \| `?([a-z_,]*)`? ?\|.*/\1 \2 \3/p' "$root/docs/metrics.md" >"$work/page"
for list in code page; do
	[ -s "$work/$list" ] || { echo "metrics-sync: no metrics in the $list"; exit 99; }
	sed 's/ *$//' "$work/$list" | sort >"$work/$list.sorted"
done
diff "$work/code.sorted" "$work/page.sorted" >"$work/difference" || {
	sed -n 's,^< ,docs/metrics.md lacks: ,p; s,^> ,docs/metrics.md has what the code has not: ,p' "$work/difference"
	bad=1
}
exit $bad
