# SPDX-License-Identifier: Apache-2.0
# What a server needs beside the objects: lists, selectors, patches, subresources.
librequests_la_SOURCES += \
	%D%/event-shape.c %D%/event-shape.h \
	%D%/list.c %D%/list.h \
	%D%/namespace.c %D%/namespace.h \
	%D%/requests.c %D%/requests.h \
	%D%/scale.c %D%/scale.h \
	%D%/selector.c %D%/selector.h \
	%D%/selector-parse.c \
	%D%/selector-private.h \
	%D%/strategic.c %D%/strategic.h \
	%D%/strategic-directive.c %D%/strategic-directive.h \
	%D%/strategic-keys.c %D%/strategic-keys.h \
	%D%/strategic-list.c %D%/strategic-list.h \
	%D%/subresource.c %D%/subresource.h \
	%D%/watch-next.c
