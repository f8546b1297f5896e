# SPDX-License-Identifier: Apache-2.0
# The environment of containers.
libnode_la_SOURCES += \
	%D%/env.c %D%/env.h \
	%D%/expand.c %D%/expand.h \
	%D%/field.c \
	%D%/objects.c %D%/objects.h
