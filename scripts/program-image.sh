#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the image of a program of a build directory, with the name that deploy/ uses: agent-sandbox-controller:latest or
# agent-sandbox-router:latest. The build must be made on Debian 12, because the programs use the libraries of the image. With
# podman no registry is needed: if debian:bookworm-slim cannot be pulled, the base image is made of Debian packages.
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
[ -n "$engine" ] || die "docker or podman must run here: apt-get install docker.io, or podman runc (as root)"

# stage FILE MODE DIRECTORY: copies a file of the build, without debugging information.
stage() {
	[ -f "$build/$1" ] || die "there is no '$build/$1': run make first"
	install -m "$2" -s "$build/$1" "$3"
}

# choose_base: sets BASE if podman can pull none from a registry.
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
say "built $name:latest"
