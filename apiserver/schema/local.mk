# SPDX-License-Identifier: Apache-2.0
# Structural schemas: compiling, pruning, defaulting, validating.
libtypes_la_SOURCES += \
	%D%/check.c \
	%D%/effort.h \
	%D%/fill.c \
	%D%/format.c \
	%D%/schema.c %D%/schema.h \
	%D%/schema-private.h \
	%D%/validate.c

# RE2 is a C++ library, and so is the file that calls it.
noinst_LTLIBRARIES += libpattern.la
libpattern_la_SOURCES = %D%/pattern.cc %D%/pattern.h
libpattern_la_CXXFLAGS = $(HARDEN_CFLAGS) $(AM_CXXFLAGS) $(RE2_CFLAGS)
