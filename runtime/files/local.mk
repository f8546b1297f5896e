# SPDX-License-Identifier: Apache-2.0
# Paths below the base directory, and multipart forms.
libruntime_la_SOURCES += \
	%D%/disposition.c %D%/disposition.h \
	%D%/files.c %D%/files.h \
	%D%/form-header.c %D%/form-header.h \
	%D%/incoming.c %D%/incoming.h \
	%D%/multipart.c %D%/multipart.h \
	%D%/path.c %D%/path.h \
	%D%/range.c %D%/range.h
