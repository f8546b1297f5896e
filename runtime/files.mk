# SPDX-License-Identifier: Apache-2.0
# Files: paths, uploads, downloads, lists; the API's description. Needs libruntime.la behind it.
noinst_LTLIBRARIES += libruntime-files.la
libruntime_files_la_SOURCES = \
	%D%/disposition.c %D%/disposition.h \
	%D%/download.c \
	%D%/exists.c \
	%D%/files.c %D%/files.h \
	%D%/form-header.c %D%/form-header.h \
	%D%/incoming.c %D%/incoming.h \
	%D%/list.c \
	%D%/multipart.c %D%/multipart.h \
	%D%/openapi.c \
	%D%/path.c %D%/path.h \
	%D%/range.c %D%/range.h \
	%D%/routes-files.c %D%/routes-files.h \
	%D%/runtime.h \
	%D%/upload.c
nodist_libruntime_files_la_SOURCES = %D%/openapi-text.h
libruntime_files_la_CFLAGS = $(AM_CFLAGS) -I$(top_builddir)

# The API's description and the page that shows it, as C strings: a line of text is a line of C.
BUILT_SOURCES += %D%/openapi-text.h
CLEANFILES += %D%/openapi-text.h
EXTRA_DIST += %D%/openapi.json %D%/docs.html
$(libruntime_files_la_OBJECTS): %D%/openapi-text.h
%D%/openapi-text.h: %D%/openapi.json %D%/docs.html
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	for f in openapi.json docs.html; do \
		echo "static const char $$f[] =" | tr . _; \
		sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $(top_srcdir)/%D%/$$f; \
		echo ";"; \
	done; } > $@.tmp && mv $@.tmp $@
