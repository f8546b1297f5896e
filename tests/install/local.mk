# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own and is a third party there.
# And what a release has is all there is.
TESTS += %D%/installed-plugin.sh %D%/dist.sh
EXTRA_DIST += %D%/installed-plugin.sh %D%/dist.sh
AM_TESTS_ENVIRONMENT += \
	CC='$(CC)'; export CC; SAN_CFLAGS='$(SAN_CFLAGS)'; export SAN_CFLAGS; NM='$(NM)'; export NM; \
	bindir='$(bindir)' libdir='$(libdir)' includedir='$(includedir)' mandir='$(mandir)'; \
	plugindir='$(plugindir)' pkgconfigdir='$(pkgconfigdir)'; \
	export bindir libdir includedir mandir plugindir pkgconfigdir;
