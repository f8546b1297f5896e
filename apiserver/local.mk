# SPDX-License-Identifier: Apache-2.0
# The Kubernetes-compatible API server in four libraries, each on those before it. The simulation and the fake host link the
# first alone.
noinst_LTLIBRARIES += libobjects.la librequests.la libtypes.la libapiserver.la
libobjects_la_SOURCES =
librequests_la_SOURCES =
librequests_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(ZLIB_CFLAGS)
librequests_la_LIBADD = $(SQLITE_LIBS) $(ZLIB_LIBS)
libtypes_la_SOURCES =
libtypes_la_LIBADD = libpattern.la $(RE2_LIBS) -lstdc++
libapiserver_la_SOURCES =
libapiserver_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
libapiserver_la_LIBADD = libtypes.la librequests.la libobjects.la libkube.la libbase.la \
	$(MHD_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lgnutls

include apiserver/objects/local.mk
include apiserver/requests/local.mk
include apiserver/storage/local.mk
include apiserver/types/local.mk
include apiserver/kinds/local.mk
include apiserver/schema/local.mk
include apiserver/validation/local.mk
include apiserver/api/local.mk
include apiserver/http/local.mk
include apiserver/remote/local.mk
