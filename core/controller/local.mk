# SPDX-License-Identifier: Apache-2.0
# From a change to a reconcile: manager, informers, work queue, workers, plugins.
libcore_la_SOURCES += \
	%D%/call.c \
	%D%/counted.c \
	%D%/controller.c %D%/controller.h \
	%D%/controller-private.h \
	%D%/host.c \
	%D%/host-write.c \
	%D%/informer.c %D%/informer.h \
	%D%/manager.c %D%/manager.h \
	%D%/plugin.c %D%/plugin.h \
	%D%/plugin-dump.c \
	%D%/program.c %D%/program.h \
	%D%/queue.c %D%/queue.h \
	%D%/worker.c
