# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = %D%/env.h %D%/probe.h %D%/runtime.h %D%/volumes.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
libnode_la_LIBADD = libcore.la

# volumes, environment, probes
libnode_la_SOURCES += %D%/quantity.c %D%/quantity.h %D%/env-expand.c %D%/env-expand.h

# the node itself: what a pod is, what comes next, what is told
libnode_la_SOURCES += \
	%D%/backoff.c %D%/backoff.h \
	%D%/book.c %D%/book.h \
	%D%/fake-runtime.c %D%/fake-runtime.h \
	%D%/fake-table.c %D%/fake-table.h \
	%D%/images.c %D%/images.h \
	%D%/plan.c %D%/plan.h \
	%D%/pod-view.c %D%/pod-view.h \
	%D%/runtime.c \
	%D%/status.c %D%/status.h %D%/status-private.h \
	%D%/status-conditions.c \
	%D%/status-container.c \
	%D%/tasks.c %D%/tasks.h
