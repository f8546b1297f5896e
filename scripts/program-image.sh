#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the image of a program of a build folder, under the name that deploy/ has for it: agent-sandbox-controller:latest or
# agent-sandbox-router:latest. The build must be of Debian 12, as the images are: the programs bring no libraries. With podman
# no registry is needed: where debian:bookworm-slim cannot be had, the base is made of Debian's own packages.
#
#	scripts/program-image.sh controller | router BUILD-FOLDER [docker | podman]
#
# Read from the environment:
#	BASE           the image to build on (debian:bookworm-slim)
#	PULL_SECONDS   how long a registry may take to answer podman (60)
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/kind-lib.sh
. "$source/scripts/kind-lib.sh"

usage='usage: scripts/program-image.sh controller | router BUILD-FOLDER [docker | podman]'
[ $# -ge 2 ] && [ $# -le 3 ] || die "$usage"
name=agent-sandbox-$1
plugins=
case $1 in
controller)
	containerfile=$source/deploy/Containerfile
	plugins='sandbox template claim warmpool'
	;;
router) containerfile=$source/deploy/router/Containerfile ;;
*) die "$usage" ;;
esac
build=$2
ENGINE=${3:-${ENGINE:-}}
find_engine
[ -n "$engine" ] || die "needs docker or podman, running: apt-get install docker.io, or podman runc (and be root)"

# stage FILE MODE FOLDER: of the build, without what only debuggers read.
stage() {
	[ -f "$build/$1" ] || die "no '$build/$1': make first"
	install -m "$2" -s "$build/$1" "$3"
}

# choose_base: sets BASE where podman can have none from a registry.
choose_base() {
	BASE=debian:bookworm-slim
	podman image exists "$BASE" || timeout "${PULL_SECONDS:-60}" podman pull --quiet "$BASE" >/dev/null 2>&1 || {
		BASE=localhost/$name-base:debian
		# shellcheck disable=SC2046 # a list of words
		"$source/scripts/debian-base.sh" "$BASE" $(sed -n "s/.*wanted='\([^']*\)'.*/\1/p" "$containerfile")
	}
}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' INT TERM
umask 022 # the controller refuses plugins that others may write
stage "$name" 0755 "$context"
for plugin in $plugins; do
	mkdir -p "$context/plugins"
	stage ".libs/$plugin.so" 0644 "$context/plugins"
done
if [ -z "${BASE:-}" ] && [ "$engine" = podman ]; then
	choose_base
fi
engine_build --quiet ${BASE:+--build-arg "BASE=$BASE"} --file "$containerfile" --tag "$name:latest" "$context" >/dev/null
say "made $name:latest"
