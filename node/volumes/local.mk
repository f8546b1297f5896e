# SPDX-License-Identifier: Apache-2.0
# The volumes of pods.
libnode_la_SOURCES += \
	%D%/claims.c %D%/claims.h \
	%D%/claims-private.h \
	%D%/clear.c \
	%D%/content.c %D%/content.h \
	%D%/files.c %D%/files.h \
	%D%/host.c %D%/host.h \
	%D%/mounts.c \
	%D%/payload.c %D%/payload.h \
	%D%/tree.c \
	%D%/volumes.c %D%/volumes.h
