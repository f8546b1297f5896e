# SPDX-License-Identifier: Apache-2.0
# The database behind the objects.
librequests_la_SOURCES += \
	%D%/storage.c %D%/storage.h \
	%D%/storage-check.c \
	%D%/storage-private.h \
	%D%/storage-sql.c \
	%D%/storage-write.c
