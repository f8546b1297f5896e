# SPDX-License-Identifier: Apache-2.0
# The built-in kinds: their defaults and validation.
libtypes_la_SOURCES += \
	%D%/defaults.c \
	%D%/pod-container.c \
	%D%/pod-defaults.c \
	%D%/pod-private.h \
	%D%/pod-probe.c \
	%D%/pod-update.c \
	%D%/pod-validate.c \
	%D%/pod-volume.c \
	%D%/service-defaults.c \
	%D%/service-validate.c \
	%D%/validate.c
