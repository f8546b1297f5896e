#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the Debian packages for a purpose, on one line:
#
#	scripts/packages.sh build    to build and install
#	scripts/packages.sh run      to run sandboxes on one machine: containers, isolation, the router
#	scripts/packages.sh suites   what make check can also use; without them some cases are skipped
set -eu

build='autoconf automake libtool make gcc g++ libc6-dev pkgconf
	libcurl4-openssl-dev libjson-c-dev libyaml-dev libmicrohttpd-dev libre2-dev libssl-dev libsqlite3-dev zlib1g-dev libcmocka-dev'
run='podman runc crun conmon netavark aardvark-dns iptables catatonit runsc haproxy python3'
suites='patch openssl iproute2 kubernetes-client mmdebstrap busybox-static
	python3-yaml python3-kubernetes python3-requests python3-pytest python3-venv'

# shellcheck disable=SC2086 # lists of words
case ${1:-} in
build) set -- $build ;;
run) set -- $run ;;
suites) set -- $run $suites ;;
*)
	echo "usage: scripts/packages.sh build | run | suites" >&2
	exit 2
	;;
esac
echo "$*"
