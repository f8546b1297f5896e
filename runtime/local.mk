# SPDX-License-Identifier: Apache-2.0
# The server inside a sandbox. It compiles the few files of base/ it needs itself: built alone
# (--disable-controller) it wants libmicrohttpd and json-c, nothing else.
noinst_LTLIBRARIES += libruntime.la
libruntime_la_SOURCES = \
	base/baton.c base/buf.c base/error.c base/heap.c base/map.c base/memory.c base/number.c base/sched.c \
	%D%/answer.c \
	%D%/command.c %D%/command.h \
	%D%/drain.c %D%/drain.h \
	%D%/events.c %D%/events.h \
	%D%/execute.c \
	%D%/execution.c \
	%D%/guard.c \
	%D%/health.c %D%/health.h \
	%D%/json-body.c %D%/json-body.h \
	%D%/json-string.c %D%/json-string.h \
	%D%/json-text.c %D%/json-text.h \
	%D%/options.c %D%/options.h \
	%D%/output.c %D%/output.h \
	%D%/request.c %D%/request.h \
	%D%/route.c \
	%D%/routes-execute.h \
	%D%/server.c %D%/server.h %D%/server-private.h \
	%D%/shlex.c %D%/shlex.h \
	%D%/signals.c %D%/signals.h \
	%D%/spawn.c %D%/spawn.h \
	%D%/spawner.c %D%/spawner.h \
	%D%/stream.c \
	%D%/supervise.c %D%/supervise.h %D%/supervise-private.h \
	%D%/tree.c %D%/tree.h \
	%D%/users.c %D%/users.h \
	%D%/utf8.c %D%/utf8.h \
	%D%/work.c %D%/work.h
libruntime_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
libruntime_la_LIBADD = $(MHD_LIBS) $(JSONC_LIBS) -lm

bin_PROGRAMS += agent-sandbox-runtime
agent_sandbox_runtime_SOURCES = %D%/main.c
agent_sandbox_runtime_LDADD = libruntime-files.la libruntime.la
agent_sandbox_runtime_LDFLAGS = $(AM_LDFLAGS) $(RUNTIME_LDFLAGS)
if STATIC_RUNTIME
# Debian's libmicrohttpd.a names the functions of GnuTLS, which a server without TLS never calls.
agent_sandbox_runtime_SOURCES += %D%/no-tls.c
endif
EXTRA_DIST += %D%/no-tls.c

include runtime/files.mk
