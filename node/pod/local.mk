# SPDX-License-Identifier: Apache-2.0
# The reconciler of pods: look, plan, act, report.
libnode_la_SOURCES += \
	%D%/api.c %D%/api.h \
	%D%/backoff.c %D%/backoff.h \
	%D%/bind.c %D%/bind.h \
	%D%/book.c %D%/book.h \
	%D%/images.c %D%/images.h \
	%D%/look.c \
	%D%/message.c \
	%D%/plan.c %D%/plan.h \
	%D%/pod.c \
	%D%/pod-private.h \
	%D%/room.c %D%/room.h \
	%D%/run.c \
	%D%/security.c %D%/security.h \
	%D%/spec.c %D%/spec.h \
	%D%/start.c \
	%D%/status.c %D%/status.h \
	%D%/status-conditions.c \
	%D%/status-container.c \
	%D%/status-private.h \
	%D%/stop.c \
	%D%/sweep.c %D%/sweep.h \
	%D%/tasks.c %D%/tasks.h \
	%D%/view.c %D%/view.h
