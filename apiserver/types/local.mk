# SPDX-License-Identifier: Apache-2.0
# The table of kinds: built-in kinds and CustomResourceDefinitions, defaults, discovery, tables.
libtypes_la_SOURCES += \
	%D%/crd.c \
	%D%/crd-defaults.c \
	%D%/crd-validate.c \
	%D%/discovery.c %D%/discovery.h \
	%D%/jsonpath.c %D%/jsonpath.h \
	%D%/openapi.c \
	%D%/pod-admit.c \
	%D%/table.c %D%/table.h \
	%D%/table-cells.c \
	%D%/table-pod.c \
	%D%/table-private.h \
	%D%/types.c %D%/types.h \
	%D%/types-admit.c \
	%D%/types-builtin.c \
	%D%/types-find.c \
	%D%/types-private.h
