# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += claim.la
noinst_LTLIBRARIES += libplugin-claim.la
noinst_HEADERS += %D%/additions.h %D%/claim.h
EXTRA_DIST += %D%/crd.yaml %D%/README.md
CLEANFILES += %D%/crd.c

# A library of its own, for the tests to link what the module is made of.
libplugin_claim_la_SOURCES = \
	%D%/beta.c \
	%D%/env.c \
	%D%/expiry.c \
	%D%/index.c \
	%D%/measure.c \
	%D%/metadata.c \
	%D%/orphan.c \
	%D%/pass.c \
	%D%/pick.c \
	%D%/plugin.c \
	%D%/policy.c \
	%D%/reconcile.c \
	%D%/sandbox.c \
	%D%/status.c \
	%D%/volumes.c
nodist_libplugin_claim_la_SOURCES = %D%/crd.c
libplugin_claim_la_LIBADD = libplugin-common.la $(JSONC_LIBS)

claim_la_SOURCES =
claim_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^asb_plugin_entry$$' -Wl,-z,defs
claim_la_LIBADD = libplugin-claim.la $(JSONC_LIBS)
