# SPDX-License-Identifier: Apache-2.0
# What operators see: log, metrics, traces, health.
libcore_la_SOURCES += \
	%D%/admin.c %D%/admin.h \
	%D%/log.c %D%/log.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/process-metrics.c \
	%D%/signals.c %D%/signals.h \
	%D%/memory-trim.c %D%/memory-trim.h \
	%D%/trace.c %D%/trace.h \
	%D%/trace-connect.c \
	%D%/trace-export.c \
	%D%/trace-otlp.c \
	%D%/trace-private.h
