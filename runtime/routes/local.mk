# SPDX-License-Identifier: Apache-2.0
# The handlers of the routes.
libruntime_la_SOURCES += \
	%D%/download.c \
	%D%/execute.c \
	%D%/execute-request.c %D%/execute-request.h \
	%D%/exists.c \
	%D%/health.c %D%/health.h \
	%D%/list.c \
	%D%/openapi.c \
	%D%/routes-execute.c %D%/routes-execute.h \
	%D%/routes-files.c %D%/routes-files.h \
	%D%/stream.c \
	%D%/upload.c
nodist_libruntime_la_SOURCES = %D%/openapi-text.h

# The API's description and the page that shows it, as C strings: a line of text is a line of C.
BUILT_SOURCES += %D%/openapi-text.h
CLEANFILES += %D%/openapi-text.h
EXTRA_DIST += %D%/openapi.json %D%/docs.html
$(libruntime_la_OBJECTS): %D%/openapi-text.h
%D%/openapi-text.h: %D%/openapi.json %D%/docs.html
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	for f in openapi.json docs.html; do \
		echo "static const char $$f[] =" | tr . _; \
		sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $(top_srcdir)/%D%/$$f; \
		echo ";"; \
	done; } > $@.tmp && mv $@.tmp $@
