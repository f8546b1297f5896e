# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	%D%/base64.c %D%/base64.h \
	%D%/buf.c %D%/buf.h \
	%D%/child.c %D%/child.h \
	%D%/error.c %D%/error.h \
	%D%/file.c %D%/file.h \
	%D%/flags.c %D%/flags.h \
	%D%/hash.h \
	%D%/hex.h \
	%D%/heap.c %D%/heap.h \
	%D%/json.c %D%/json.h \
	%D%/json-copy.c \
	%D%/json-fields.c \
	%D%/json-print.c \
	%D%/json-scan.c %D%/json-scan.h %D%/json-scanner.h \
	%D%/macros.h \
	%D%/map.c %D%/map.h \
	%D%/memory.c %D%/memory.h \
	%D%/number.c %D%/number.h \
	%D%/sched.c %D%/sched.h \
	%D%/sched-token.c %D%/sched-token.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/socket.c %D%/socket.h \
	%D%/template.c %D%/template.h \
	%D%/tree.c %D%/tree.h \
	%D%/utf8.c %D%/utf8.h \
	%D%/yaml.c %D%/yaml.h \
	%D%/yaml-scalar.c %D%/yaml-scalar.h
libbase_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
libbase_la_LIBADD = $(JSONC_LIBS) $(YAML_LIBS) $(CRYPTO_LIBS) -lm
