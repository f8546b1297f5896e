#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the image of a sandbox with podman: Python and agent-sandbox-runtime, with the names that the guides use,
# python-runtime-sandbox:latest and sandbox-runtime:latest. It needs no registry: if python:3-slim cannot be pulled within
# PULL_SECONDS, the base image is made of Debian packages (python3 and its dependencies).
#
#	scripts/build-image.sh [--base IMAGE] [--containerfile FILE] [--tag NAME]...
#
# Read from the environment:
#	BUILD_DIR      where agent-sandbox-runtime is built (build/runtime in the tree)
#	PULL_SECONDS   how long a registry may take to answer (60)
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
upstream_base=python:3-slim
local_base=localhost/agent-sandbox-base:debian
base=
containerfile=$source/examples/python-runtime-sandbox/Dockerfile
tags=

usage() {
	echo "usage: scripts/build-image.sh [--base IMAGE] [--containerfile FILE] [--tag NAME]..." >&2
	exit 2
}

while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || usage
	case $1 in
	--base) base=$2 ;;
	--containerfile) containerfile=$2 ;;
	--tag) tags="$tags $2" ;;
	*) usage ;;
	esac
	shift 2
done
: "${tags:=python-runtime-sandbox:latest sandbox-runtime:latest}"

command -v podman >/dev/null || {
	echo "build-image.sh: podman is not installed: apt-get install podman runc" >&2
	exit 1
}

# runtime_options: the options of podman that this machine needs. crun refuses hybrid cgroups, but runc works with them. If the
# limit of open files cannot be raised, podman's default would be refused.
runtime_options() {
	if command -v runc >/dev/null; then
		printf '%s ' --runtime runc
	fi
	files=$(ulimit -Hn)
	[ "$files" = unlimited ] || printf '%s ' --ulimit "nofile=$files:$files"
}

choose_base() {
	[ -z "$base" ] || return 0
	if podman image exists "$upstream_base" ||
		{ ! podman image exists "$local_base" && timeout "${PULL_SECONDS:-60}" podman pull --quiet "$upstream_base" >/dev/null 2>&1; }; then
		base=$upstream_base
	else
		"$source/scripts/debian-base.sh" "$local_base" python3 ca-certificates
		base=$local_base
	fi
}

"$source/scripts/stage-runtime.sh"
choose_base
context=$(dirname "$containerfile")
# shellcheck disable=SC2046 # lists of words
podman build --quiet $(runtime_options) --pull=never --network none --build-arg "BASE=$base" --file "$containerfile" \
	$(for tag in $tags; do printf -- '--tag %s ' "$tag"; done) "$context" >/dev/null
echo "build-image.sh: built$(for tag in $tags; do printf ' %s' "$tag"; done) from $base"
