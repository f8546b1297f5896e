#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The names of the API (groups, labels, annotations) stand in plugins/common/names.h. Our plugins write them nowhere else; the router
# and the Python client, which cannot include that header, write only names that it has.
# Use: names.sh [TREE]
. "$(dirname "$0")/sources.sh"

header=plugins/common/names.h
[ -f "$header" ] || { echo "names: no $header in '$root'" >&2; exit 99; }
bad=0

# The names of a file, quoted, each with the number of its line.
names() {
	grep -noE '"([a-z.]+\.)?agents\.x-k8s\.io(/[a-z0-9.-]+)?"' "$1"
}

for file in $(sources | grep '^plugins/.*\.[ch]$'); do
	[ "$file" = "$header" ] && continue
	# Generated from crd.yaml, where a build lies inside the tree.
	[ "${file##*/}" = crd.c ] && continue
	found=$(names "$file" | sed "s,^,$file:,;s,\$,: take it from $header,") || continue
	[ -z "$found" ] || { echo "$found"; bad=1; }
done

for file in router/*.[ch] clients/python/agentic-sandbox-client/agentic_sandbox/*.py; do
	[ -f "$file" ] || continue
	for found in $(names "$file"); do
		grep -qF "${found#*:}" "$header" || { echo "$file:$found is not a name that $header has"; bad=1; }
	done
done
exit $bad
