# SPDX-License-Identifier: Apache-2.0
# What this process knows of each kind: store, indexes, reservations, reflectors.
libcore_la_SOURCES += \
	%D%/reflector.c %D%/reflector.h \
	%D%/reflector-list.c \
	%D%/reflector-private.h \
	%D%/reflector-state.c \
	%D%/reflector-watch.c \
	%D%/reservations.c %D%/reservations.h \
	%D%/store.c %D%/store.h \
	%D%/store-head.c \
	%D%/store-index.c %D%/store-index.h \
	%D%/store-private.h \
	%D%/store-read.c
