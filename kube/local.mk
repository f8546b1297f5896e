# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libkube.la
libkube_la_SOURCES = \
	%D%/kind.c %D%/kind.h \
	%D%/patch.c %D%/patch.h \
	%D%/quantity.c %D%/quantity.h \
	%D%/version.c %D%/version.h
