#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a base image of Debian packages with podman, without a registry, unless an image with that name exists:
#
#	scripts/debian-base.sh IMAGE PACKAGE...
set -eu
[ $# -ge 2 ] || {
	echo "usage: scripts/debian-base.sh IMAGE PACKAGE..." >&2
	exit 2
}
image=$1
shift
! podman image exists "$image" || exit 0
command -v mmdebstrap >/dev/null || {
	echo "debian-base.sh: no registry responded, and mmdebstrap is not installed: apt-get install mmdebstrap" >&2
	exit 1
}
echo "debian-base.sh: making $image of Debian packages (takes a minute, only once)"
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
mmdebstrap --quiet --format=tar --variant=essential --include="$(echo "$*" | tr ' ' ',')" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' "$suite" "$archive" || {
	echo "debian-base.sh: mmdebstrap failed: it needs root, or uidmap and user namespaces, and a Debian mirror" >&2
	exit 1
}
podman import --quiet "$archive" "$image" >/dev/null
