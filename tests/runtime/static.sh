#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether runtime/no-tls.c still stands in for all that the static libmicrohttpd names of GnuTLS.
archive=$(pkg-config --variable=libdir libmicrohttpd 2>/dev/null)/libmicrohttpd.a
[ -r "$archive" ] || { echo "skipped: no static libmicrohttpd"; exit 77; }
command -v nm >/dev/null || { echo "skipped: no nm"; exit 77; }
missing=$(nm -u "$archive" 2>/dev/null | sed -n 's/^ *U \(gnutls_[a-z0-9_]*\)$/\1/p' | sort -u |
	while read -r name; do
		grep -qw "$name" "${top_srcdir:-.}/runtime/no-tls.c" || echo "$name"
	done)
[ -z "$missing" ] || { echo "runtime/no-tls.c lacks:" $missing; exit 1; }
