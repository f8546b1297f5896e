# SPDX-License-Identifier: Apache-2.0
# Probes: what they ask, when, and what their results mean.
libnode_la_SOURCES += \
	%D%/probe.c %D%/probe.h \
	%D%/spec.c %D%/spec.h \
	%D%/try.c
