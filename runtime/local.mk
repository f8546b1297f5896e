# SPDX-License-Identifier: Apache-2.0
# The server inside a sandbox. It compiles the few files of base/ it needs itself: built alone
# (--disable-controller) it wants libmicrohttpd and json-c, nothing else.
noinst_LTLIBRARIES += libruntime.la
libruntime_la_SOURCES = \
	base/sched-token.c base/buf.c base/error.c base/heap.c base/map.c base/memory.c base/number.c base/sched.c \
	%D%/options.c %D%/options.h \
	%D%/runtime.h \
	base/utf8.c
libruntime_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) -I$(top_builddir)
libruntime_la_LIBADD = $(MHD_LIBS) $(JSONC_LIBS) -lm

include runtime/http/local.mk
include runtime/json/local.mk
include runtime/exec/local.mk
include runtime/files/local.mk
include runtime/routes/local.mk

bin_PROGRAMS += agent-sandbox-runtime
agent_sandbox_runtime_SOURCES = %D%/main.c
agent_sandbox_runtime_LDADD = libruntime.la
agent_sandbox_runtime_LDFLAGS = $(AM_LDFLAGS) $(RUNTIME_LDFLAGS)
if STATIC_RUNTIME
# Debian's libmicrohttpd.a names the functions of GnuTLS, which a server without TLS never calls.
agent_sandbox_runtime_SOURCES += %D%/no-tls.c
endif
EXTRA_DIST += %D%/no-tls.c
