# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES =
libnet_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(MHD_CFLAGS)
libnet_la_LIBADD = libbase.la $(CURL_LIBS) $(MHD_LIBS)
