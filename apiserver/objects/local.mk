# SPDX-License-Identifier: Apache-2.0
# What the Kubernetes API means, in memory: the simulation and the fake host stand on it.
libobjects_la_SOURCES += \
	%D%/delete.c \
	%D%/fields.c %D%/fields.h \
	%D%/garbage-collector.c \
	%D%/history.c \
	%D%/objects.c %D%/objects.h \
	%D%/objects-private.h \
	%D%/owner.c %D%/owner.h \
	%D%/record.c \
	%D%/state.c %D%/state.h \
	%D%/status.c %D%/status.h \
	%D%/update.c %D%/update.h \
	%D%/write.c
