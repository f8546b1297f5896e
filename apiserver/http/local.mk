# SPDX-License-Identifier: Apache-2.0
# The HTTP server: listeners, TLS, tokens, streams.
libapiserver_la_SOURCES += \
	%D%/ask.c \
	%D%/exchange.c \
	%D%/guard.c \
	%D%/link.c \
	%D%/log.c \
	%D%/server.c %D%/server.h \
	%D%/server-private.h \
	%D%/stream.c \
	%D%/tls.c %D%/tls.h \
	%D%/upgrade.c
