# SPDX-License-Identifier: Apache-2.0
# Validation of what all kinds have: metadata and names.
libtypes_la_SOURCES += \
	%D%/meta.c %D%/meta.h \
	%D%/name.c %D%/name.h \
	%D%/validate.c %D%/validate.h
