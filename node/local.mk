# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = %D%/env.h %D%/probe.h %D%/runtime.h %D%/volumes.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
libnode_la_LIBADD = libcore.la
