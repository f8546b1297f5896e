# SPDX-License-Identifier: Apache-2.0
plugin_LTLIBRARIES += sandbox.la
noinst_LTLIBRARIES += libplugin-sandbox.la
noinst_HEADERS += %D%/sandbox.h
EXTRA_DIST += %D%/crd.yaml %D%/README.md
CLEANFILES += %D%/crd.c

# A library of its own, for the tests to link what the module is made of.
libplugin_sandbox_la_SOURCES = \
	%D%/adopt.c \
	%D%/conditions.c \
	%D%/expiry.c \
	%D%/inventory.c \
	%D%/mode.c \
	%D%/pass.c \
	%D%/plugin.c \
	%D%/pod.c \
	%D%/ports.c \
	%D%/propagate.c \
	%D%/reconcile.c \
	%D%/service.c \
	%D%/status.c \
	%D%/volumes.c
nodist_libplugin_sandbox_la_SOURCES = %D%/crd.c
libplugin_sandbox_la_LIBADD = libplugin-common.la $(JSONC_LIBS)

sandbox_la_SOURCES =
sandbox_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^asb_plugin_entry$$' -Wl,-z,defs
sandbox_la_LIBADD = libplugin-sandbox.la $(JSONC_LIBS)
