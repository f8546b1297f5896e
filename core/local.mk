# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES =
libcore_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
libcore_la_LIBADD = libnet.la libkube.la libbase.la $(JSONC_LIBS) $(CRYPTO_LIBS)

# access: kubeconfig and credentials

# talk: lanes, client, leader, events, metrics, log
libcore_la_SOURCES += \
	%D%/admin.c %D%/admin.h \
	%D%/client.c %D%/client.h %D%/client-private.h \
	%D%/client-answer.c \
	%D%/client-request.c \
	%D%/client-retry.c \
	%D%/client-write.c \
	%D%/event-book.c %D%/event-book.h \
	%D%/events.c %D%/events.h \
	%D%/leader.c %D%/leader.h \
	%D%/lease.c %D%/lease.h \
	%D%/lanes.c %D%/lanes.h \
	%D%/log.c %D%/log.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/process-metrics.c \
	%D%/utf8.h

# store: store, reflector, informers, queue, controller, host, loader

