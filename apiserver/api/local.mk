# SPDX-License-Identifier: Apache-2.0
# One request of the Kubernetes API from its path to its response.
libapiserver_la_SOURCES += \
	%D%/api.c %D%/api.h \
	%D%/api-private.h \
	%D%/audit.c \
	%D%/body.c \
	%D%/budget.c %D%/budget.h \
	%D%/call.c \
	%D%/delete.c \
	%D%/discover.c \
	%D%/indent.c \
	%D%/negotiate.c \
	%D%/options.c \
	%D%/pod.c \
	%D%/print.c \
	%D%/protobuf.c %D%/protobuf.h \
	%D%/query.c %D%/query.h \
	%D%/read.c \
	%D%/registry.c \
	%D%/remote.c \
	%D%/route.c %D%/route.h \
	%D%/text-check.c %D%/text-check.h \
	%D%/time.c \
	%D%/token.c %D%/token.h \
	%D%/watch.c %D%/watch.h \
	%D%/watch-private.h \
	%D%/write.c
libapiserver_la_SOURCES += \
	base/allocation.c base/allocation.h \
	net/exec-frame.c net/exec-frame.h \
	net/http-head.c net/http-head.h
