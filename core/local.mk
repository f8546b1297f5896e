# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES =
libcore_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
libcore_la_LIBADD = libnet.la libkube.la libbase.la $(JSONC_LIBS) $(CRYPTO_LIBS)

# access: kubeconfig and credentials
libcore_la_SOURCES += \
	%D%/credentials.c \
	%D%/credentials-base64.c %D%/credentials-base64.h \
	%D%/exec-credential.c %D%/exec-credential.h \
	%D%/exec-credential-spawn.c \
	%D%/kubeconfig.c %D%/kubeconfig.h %D%/kubeconfig-private.h \
	%D%/kubeconfig-cluster.c \
	%D%/kubeconfig-exec.c \
	%D%/kubeconfig-fields.c \
	%D%/kubeconfig-files.c \
	%D%/kubeconfig-user.c

# talk: lanes, client, leader, events, metrics, log
libcore_la_SOURCES += \
	%D%/admin.c %D%/admin.h \
	%D%/api-connect.c %D%/api-connect.h \
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
	%D%/sha256.c %D%/sha256.h \
	%D%/trace.c %D%/trace.h %D%/trace-private.h \
	%D%/trace-connect.c \
	%D%/trace-export.c \
	%D%/trace-otlp.c \
	%D%/signals.c %D%/signals.h

# store: store, reflector, informers, queue, controller, host, loader

libcore_la_SOURCES += \
	%D%/call.c \
	%D%/controller.c %D%/controller.h %D%/controller-private.h \
	%D%/host.c \
	%D%/host-write.c \
	%D%/informer.c %D%/informer.h \
	%D%/manager.c %D%/manager.h \
	%D%/plugin.c %D%/plugin.h \
	%D%/plugin-dump.c \
	%D%/queue.c %D%/queue.h \
	%D%/reflector.c %D%/reflector.h %D%/reflector-private.h \
	%D%/reflector-list.c \
	%D%/reflector-watch.c \
	%D%/reserve.c %D%/reserve.h \
	%D%/store.c %D%/store.h %D%/store-private.h \
	%D%/store-head.c \
	%D%/store-index.c %D%/store-index.h \
	%D%/store-read.c \
	%D%/tidy.c %D%/tidy.h \
	%D%/worker.c

bin_PROGRAMS += agent-sandbox-controller
agent_sandbox_controller_SOURCES = \
	%D%/main.c \
	%D%/options.c %D%/options.h \
	%D%/plugin-set.c %D%/plugin-set.h \
	%D%/process.c %D%/process.h
agent_sandbox_controller_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
# Plugins find json-c through their own needs; nothing is exported to them by symbol.
agent_sandbox_controller_LDADD = libcore.la
