#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the static agent-sandbox-runtime and copies it to the Dockerfiles of the examples, which need it.
#
#	scripts/stage-runtime.sh
#
# Read from the environment:
#	BUILD_DIR   where to build (build/runtime in the tree)
set -eu
cd "$(dirname "$0")/.."
build=${BUILD_DIR:-$PWD/build/runtime}
log=$build/stage.log

[ -x configure ] || ./autogen.sh
mkdir -p "$build"
ccache=$(command -v ccache || true)
{
	if [ ! -f "$build/config.status" ]; then
		source=$PWD
		(cd "$build" && "$source/configure" -q --disable-controller --enable-static-runtime CC="${ccache:+ccache }gcc" CFLAGS='-O2')
	fi
	make -s -C "$build" -j"$(nproc)"
} >"$log" 2>&1 || {
	echo "stage-runtime.sh: the build failed; this is the end of $log:" >&2
	tail -n 30 "$log" >&2
	exit 1
}
for example in python-runtime-sandbox python-template-sandbox; do
	install -m 0755 -s "$build/agent-sandbox-runtime" "examples/$example/agent-sandbox-runtime"
done
