# SPDX-License-Identifier: Apache-2.0
# Requests to the API server: client, priorities, leader election, events.
libcore_la_SOURCES += \
	%D%/client.c %D%/client.h \
	%D%/client-response.c \
	%D%/client-private.h \
	%D%/client-request.c \
	%D%/client-retry.c \
	%D%/client-write.c \
	%D%/event-correlator.c %D%/event-correlator.h \
	%D%/events.c %D%/events.h \
	%D%/limiter.c %D%/limiter.h \
	%D%/leader.c %D%/leader.h \
	%D%/lease.c %D%/lease.h \
	%D%/lease-lock.c %D%/lease-lock.h
