#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installed headers compile as C++, from C++11 on, with every C++ compiler that is there.
set -eu
here=$(dirname "$0")
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
# shellcheck disable=SC2046
set -- -I"$here/../../include" $(pkg-config --cflags json-c)
found=no
for compiler in g++ clang++; do
	command -v "$compiler" >/dev/null || continue
	found=yes
	for standard in 11 17 20; do
		"$compiler" -std=c++$standard -Wall -Wextra -Wpedantic -Wno-missing-field-initializers -Werror "$@" \
			-c "$here/cplusplus.cc" -o "$build/cplusplus.o"
	done
done
[ $found = yes ] || exit 77
