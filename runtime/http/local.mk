# SPDX-License-Identifier: Apache-2.0
# The HTTP server: connections, requests, responses, routes, and the threads that wait for files.
libruntime_la_SOURCES += \
	%D%/exchange.c \
	%D%/guard.c \
	%D%/head.c \
	%D%/json-body.c %D%/json-body.h \
	%D%/percent.c %D%/percent.h \
	%D%/request.c %D%/request.h \
	%D%/response.c \
	%D%/route.c \
	%D%/server.c %D%/server.h \
	%D%/server-private.h \
	%D%/tasks.c \
	%D%/work.c %D%/work.h
