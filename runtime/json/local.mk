# SPDX-License-Identifier: Apache-2.0
# JSON bodies and UTF-8.
libruntime_la_SOURCES += \
	%D%/string.c %D%/string.h \
	%D%/text.c %D%/text.h \
	%D%/utf8.c %D%/utf8.h
