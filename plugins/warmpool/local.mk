# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += warmpool.la
noinst_HEADERS += %D%/warmpool.h
EXTRA_DIST += %D%/crd.yaml %D%/README.md
CLEANFILES += %D%/crd.c

warmpool_sources = \
	%D%/drain.c \
	%D%/expectation.c \
	%D%/fill.c \
	%D%/index.c \
	%D%/pass.c \
	%D%/plugin.c \
	%D%/pods.c \
	%D%/progress.c \
	%D%/reconcile.c \
	%D%/refill.c \
	%D%/removal.c \
	%D%/rollout.c \
	%D%/sandbox-index.c \
	%D%/sandbox-removal.c \
	%D%/sandboxes.c \
	%D%/settings.c \
	%D%/status.c

warmpool_la_SOURCES = $(warmpool_sources)
nodist_warmpool_la_SOURCES = %D%/crd.c
warmpool_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^asb_plugin_entry$$' -Wl,-z,defs
warmpool_la_LIBADD = libplugin-common.la $(JSONC_LIBS)
