# SPDX-License-Identifier: Apache-2.0
# What the Kubernetes API means, in memory: the simulation and the fake host stand on it.
libobjects_la_SOURCES += \
	%D%/delete.c \
	%D%/dependents.c %D%/dependents.h \
	%D%/fields.c %D%/fields.h \
	%D%/garbage-collector.c \
	%D%/history.c \
	%D%/objects.c %D%/objects.h \
	%D%/objects-private.h \
	%D%/orphan.c %D%/orphan.h \
	%D%/owner.c %D%/owner.h \
	%D%/owner-event.c \
	%D%/policy.c \
	%D%/record.c \
	%D%/refusal.c %D%/refusal.h \
	%D%/resource.c \
	%D%/state.c %D%/state.h \
	%D%/status.c %D%/status.h \
	%D%/update.c %D%/update.h \
	%D%/write.c %D%/write.h
