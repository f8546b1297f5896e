# SPDX-License-Identifier: Apache-2.0
# Everything between a transport and the plugins, as a library: the controller, the node and the router stand on it.
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES =
libcore_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
libcore_la_LIBADD = libnet.la libkube.la libbase.la $(JSONC_LIBS) $(CRYPTO_LIBS)

include core/cache/local.mk
include core/client/local.mk
include core/config/local.mk
include core/controller/local.mk
include core/observe/local.mk
