# SPDX-License-Identifier: Apache-2.0
# The container runtime on Podman.
libnode_la_SOURCES += \
	%D%/call.c \
	%D%/connect.c \
	%D%/container.c \
	%D%/create.c %D%/create.h \
	%D%/etc.c \
	%D%/events.c \
	%D%/exec.c \
	%D%/files.c \
	%D%/frame.c %D%/frame.h \
	%D%/handler.c \
	%D%/hijack.c \
	%D%/image.c \
	%D%/inspect.c %D%/inspect.h \
	%D%/launch.c \
	%D%/list.c \
	%D%/log.c \
	%D%/pod.c \
	%D%/podman.c %D%/podman.h \
	%D%/podman-private.h \
	%D%/reference.c %D%/reference.h \
	%D%/service.c \
	%D%/stop.c \
	%D%/stream.c \
	%D%/user.c %D%/user.h
