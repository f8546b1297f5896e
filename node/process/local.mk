# SPDX-License-Identifier: Apache-2.0
# The container runtime of plain processes.
libnode_la_SOURCES += \
	%D%/container.c \
	%D%/exec.c \
	%D%/list.c \
	%D%/log.c \
	%D%/process.c %D%/process.h \
	%D%/process-private.h \
	%D%/spawn.c \
	%D%/state.c \
	%D%/supervise.c
