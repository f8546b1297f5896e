#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the image agent-sandbox-controller:latest, the name in deploy/manifest.yaml, from the programs of a build folder.
# The build must be of Debian 12, as the image is: the programs bring no libraries. With podman no registry is needed: where
# debian:bookworm-slim cannot be had, the base is made of Debian's own packages.
#
#	scripts/controller-image.sh BUILD-FOLDER [docker | podman]
#
# Read from the environment:
#	BASE           the image to build on (debian:bookworm-slim)
#	PULL_SECONDS   how long a registry may take to answer podman (60)
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/kind-lib.sh
. "$source/scripts/kind-lib.sh"

[ $# -ge 1 ] && [ $# -le 2 ] || die "usage: scripts/controller-image.sh BUILD-FOLDER [docker | podman]"
build=$1
ENGINE=${2:-${ENGINE:-}}
find_engine
[ -n "$engine" ] || die "needs docker or podman, running: apt-get install docker.io, or podman runc (and be root)"

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' INT TERM
umask 022 # the controller refuses plugins that others may write
mkdir "$context/plugins"
for file in agent-sandbox-controller .libs/sandbox.so .libs/template.so .libs/claim.so .libs/warmpool.so; do
	[ -f "$build/$file" ] || die "no '$build/$file': make first"
	case $file in
	*.so) install -m 0644 -s "$build/$file" "$context/plugins" ;;
	*) install -m 0755 -s "$build/$file" "$context" ;;
	esac
done
if [ -z "${BASE:-}" ] && [ "$engine" = podman ]; then
	BASE=debian:bookworm-slim
	podman image exists "$BASE" || timeout "${PULL_SECONDS:-60}" podman pull --quiet "$BASE" >/dev/null 2>&1 || {
		BASE=localhost/agent-sandbox-controller-base:debian
		# shellcheck disable=SC2046 # a list of words
		"$source/scripts/debian-base.sh" "$BASE" $(sed -n "s/.*wanted='\([^']*\)'.*/\1/p" "$source/deploy/Containerfile")
	}
fi
engine_build --quiet ${BASE:+--build-arg "BASE=$BASE"} --file "$source/deploy/Containerfile" \
	--tag agent-sandbox-controller:latest "$context" >/dev/null
say "made agent-sandbox-controller:latest"
