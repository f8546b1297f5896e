# SPDX-License-Identifier: Apache-2.0
claim_sources = \
	%D%/claim.h \
	%D%/expiry.c \
	%D%/index.c \
	%D%/netpol.c \
	%D%/pick.c \
	%D%/plugin.c \
	%D%/reconcile.c \
	%D%/sandbox.c \
	%D%/status.c

plugin_LTLIBRARIES += claim.la
claim_la_SOURCES = $(claim_sources)
nodist_claim_la_SOURCES = %D%/crd.c
claim_la_CFLAGS = $(AM_CFLAGS)
claim_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^asb_plugin_entry$$' -Wl,-z,defs
claim_la_LIBADD = $(JSONC_LIBS)

CLEANFILES += %D%/crd.c
EXTRA_DIST += %D%/crd.yaml %D%/README.md
