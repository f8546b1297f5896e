# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = %D%/env.h %D%/probe.h %D%/runtime.h %D%/volumes.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
libnode_la_LIBADD = libcore.la

# volumes, environment, probes
libnode_la_SOURCES += %D%/quantity.c %D%/quantity.h %D%/env-expand.c %D%/env-expand.h
