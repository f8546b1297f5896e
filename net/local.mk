# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	%D%/curl-auth.c \
	%D%/curl-engine.c \
	%D%/curl-internal.h \
	%D%/curl-stream.c \
	%D%/curl-transport.c %D%/curl-transport.h \
	%D%/curl-wire.c \
	%D%/exec-frame.c %D%/exec-frame.h \
	%D%/http-guard.c %D%/http-guard.h \
	%D%/http-head.c %D%/http-head.h \
	%D%/http-server.c %D%/http-server.h \
	%D%/probe-http.c %D%/probe-http.h \
	%D%/retry-after.c %D%/retry-after.h \
	%D%/transport.h
libnet_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(MHD_CFLAGS)
libnet_la_LIBADD = libbase.la $(CURL_LIBS) $(MHD_LIBS)
