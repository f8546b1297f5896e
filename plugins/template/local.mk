# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += template.la
noinst_HEADERS += %D%/template.h
EXTRA_DIST += %D%/crd.yaml %D%/README.md
CLEANFILES += %D%/crd.c

template_sources = \
	%D%/plugin.c \
	%D%/policy.c \
	%D%/reconcile.c

template_la_SOURCES = $(template_sources)
nodist_template_la_SOURCES = %D%/crd.c
template_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^asb_plugin_entry$$' -Wl,-z,defs
template_la_LIBADD = libplugin-common.la $(JSONC_LIBS)
