# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += liblocal.la
liblocal_la_SOURCES = \
	%D%/collect.c \
	%D%/delete.c \
	%D%/fields.c %D%/fields.h \
	%D%/history.c \
	%D%/objects.c %D%/objects.h %D%/objects-private.h \
	%D%/record.c \
	%D%/state.c %D%/state.h \
	%D%/update.c %D%/update.h \
	%D%/write.c
