# SPDX-License-Identifier: Apache-2.0
# What the plugins of this project share. It is linked into each of them, and uses the installed headers only.
noinst_LTLIBRARIES += libplugin-common.la
libplugin_common_la_SOURCES = \
	%D%/blueprint.c %D%/blueprint.h \
	%D%/dialect.c %D%/dialect.h \
	%D%/kinds.c %D%/kinds.h \
	%D%/names.h \
	%D%/object.c %D%/object.h \
	%D%/pod-template.c %D%/pod-template.h \
	%D%/policy-rules.c %D%/policy-rules.h \
	%D%/requeue.c %D%/requeue.h
libplugin_common_la_LIBADD = $(JSONC_LIBS)
EXTRA_DIST += %D%/README.md
