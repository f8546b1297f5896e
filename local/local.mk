# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += liblocal.la
liblocal_la_SOURCES = \
	%D%/collect.c \
	%D%/history.c \
	%D%/objects.c %D%/objects.h %D%/objects-private.h \
	%D%/update.c %D%/update.h \
	%D%/write.c
