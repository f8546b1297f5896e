#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows that the simulation bites: each patch in mutants/ takes one safeguard away, and the first seeds must find it.
# Usage: mutants.sh [NAME...]   with $top_srcdir and $top_builddir of a finished build. Prints the first seed that fails.
set -euo pipefail
source=${top_srcdir:?} build=${top_builddir:?}
here=$source/tests/sim
command -v patch >/dev/null || { echo "skipped: no patch(1)"; exit 77; }
seeds=${MUTANT_SEEDS:-200}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# Copies the files a patch changes, patches them, and compiles each to an object.
plant() {
	local patch=$1 file
	rm -rf "$work/tree" "$work/.libs" "$work"/*.o
	mkdir -p "$work/.libs"
	cp "$build"/.libs/{sandbox,template,claim,warmpool}.so "$work/.libs/"
	mapfile -t files < <(sed -n 's,^+++ b/,,p' "$patch")
	for file in "${files[@]}"; do
		mkdir -p "$work/tree/$(dirname "$file")"
		cp "$source/$file" "$work/tree/$file"
		chmod u+w "$work/tree/$file"
	done
	patch -s -d "$work/tree" -p1 < "$patch"
	for file in "${files[@]}"; do
		${CC:-cc} "${flags[@]}" -c "$work/tree/$file" -o "$work/$(basename "$file" .c).o"
	done
}

# Headers stay as they are: only sources are mutated.
flags=(-std=c11 -O1 -g -fPIC -I"$build" -I"$source" -I"$source/include")
read -r -a json <<< "$(pkg-config --cflags --libs json-c)"

# A plugin of one mutated file: its other objects are those the build has made, but not those of sources that are gone.
link_plugin() {
	local plugin=$1 object stem objects=()
	for object in "$build/plugins/$plugin/.libs/"*.o "$build/plugins/common/.libs/"*.o; do
		stem=plugins/$(basename "${object%/.libs/*}")/$(basename "$object" .o)
		if [ "$stem.c" != "${files[0]}" ] && { [ -e "$source/$stem.c" ] || [ "${stem##*/}" = crd ]; }; then
			objects+=("$object")
		fi
	done
	local mutant
	mutant=$(basename "${files[0]}" .c)
	${CC:-cc} -shared "$work/$mutant.o" "${objects[@]}" "${json[@]}" -o "$work/.libs/$plugin.so"
	sim=$build/tests/sim/sim
}

# The simulation itself: mutated objects come before the archives that hold the originals.
link_sim() {
	${CC:-cc} "$build"/tests/sim/sim-*.o "$work"/*.o "$build"/.libs/lib{objects,core,net,kube,base}.a \
		$(pkg-config --libs json-c libcurl yaml-0.1 libmicrohttpd libcrypto) -lm -ldl -lpthread -o "$work/sim"
	sim=$work/sim
}

for patch in "$here"/mutants/*.patch; do
	name=$(basename "$patch" .patch)
	if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
		continue
	fi
	plant "$patch"
	case ${files[0]} in
	plugins/*) plugin=${files[0]#plugins/}; link_plugin "${plugin%%/*}" ;;
	*) link_sim ;;
	esac
	if top_builddir=$work "$sim" --seeds "$seeds" > "$work/out" 2>&1; then
		echo "not ok $name: not found in $seeds seeds"
		failed=$((failed + 1))
	elif ! grep -m 1 '^not ok' "$work/out" > "$work/found"; then
		echo "not ok $name: the mutant does not run: $(tail -n 1 "$work/out")"
		failed=$((failed + 1))
	else
		echo "ok $name: found by $(sed 's/^not ok //' "$work/found")"
		passed=$((passed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
