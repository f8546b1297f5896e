# SPDX-License-Identifier: Apache-2.0
# The HTTP server: connections, requests, responses, routes.
libruntime_la_SOURCES += \
	%D%/answer.c \
	%D%/guard.c \
	%D%/json-body.c %D%/json-body.h \
	%D%/request.c %D%/request.h \
	%D%/route.c \
	%D%/server.c %D%/server.h \
	%D%/server-private.h
