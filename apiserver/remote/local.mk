# SPDX-License-Identifier: Apache-2.0
# Exec, attach and port-forward: sessions between a client and the node.
libapiserver_la_SOURCES += \
	%D%/exec.c \
	%D%/forward.c \
	%D%/link.c \
	%D%/podlog.c %D%/podlog.h \
	%D%/remote.c %D%/remote.h \
	%D%/remote-private.h \
	%D%/spdy.c %D%/spdy.h \
	%D%/spdy-block.c %D%/spdy-block.h
