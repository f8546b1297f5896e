# SPDX-License-Identifier: Apache-2.0
# The reconciler of pods: observe, plan, act, report.
libnode_la_SOURCES += \
	%D%/api.c %D%/api.h \
	%D%/backoff.c %D%/backoff.h \
	%D%/capacity.h \
	%D%/context.c \
	%D%/garbage-collector.c %D%/garbage-collector.h \
	%D%/images.c %D%/images.h \
	%D%/jobs.c %D%/jobs.h \
	%D%/message.c \
	%D%/observe.c \
	%D%/plan.c %D%/plan.h \
	%D%/pod.c \
	%D%/pod-private.h \
	%D%/room.c %D%/room.h \
	%D%/run.c \
	%D%/sandbox.c \
	%D%/scheduler.c %D%/scheduler.h \
	%D%/security.c %D%/security.h \
	%D%/spec.c %D%/spec.h \
	%D%/start.c \
	%D%/status.c %D%/status.h \
	%D%/status-conditions.c \
	%D%/status-container.c \
	%D%/status-private.h \
	%D%/stop.c \
	%D%/store.c %D%/store.h \
	%D%/view.c %D%/view.h
