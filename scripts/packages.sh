#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the Debian packages for a purpose, on one line:
#
#	scripts/packages.sh build    to build and install
#	scripts/packages.sh test     that, and what make check and its suites need; what is missing makes some of them skip
#	scripts/packages.sh run      to run sandboxes on one machine: containers, isolation, the router
set -eu

build='autoconf automake libtool make gcc libc6-dev pkgconf
	libcurl4-openssl-dev libjson-c-dev libyaml-dev libmicrohttpd-dev libssl-dev libsqlite3-dev zlib1g-dev libcmocka-dev'
run='podman runc crun conmon netavark aardvark-dns catatonit runsc haproxy'
test='g++ openssl python3 python3-yaml python3-kubernetes python3-requests python3-pytest python3-venv kubernetes-client
	mmdebstrap busybox-static'

case ${1:-} in
build) set -- $build ;;
test) set -- $build $test $run ;;
run) set -- $run ;;
*)
	echo "usage: scripts/packages.sh build | test | run" >&2
	exit 2
	;;
esac
echo "$*"
