# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	%D%/buf.c %D%/buf.h \
	%D%/error.c %D%/error.h \
	%D%/macros.h \
	%D%/memory.c %D%/memory.h
libbase_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)
libbase_la_LIBADD = $(JSONC_LIBS) $(YAML_LIBS)
