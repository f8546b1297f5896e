# SPDX-License-Identifier: Apache-2.0
# The server for logs, exec, attach and port-forward, as a kubelet has one.
libnode_la_SOURCES += \
	%D%/exec.c %D%/exec.h \
	%D%/exec-parse.c \
	%D%/forward.c %D%/forward.h \
	%D%/kubelet-server.c %D%/kubelet-server.h \
	%D%/logs.c %D%/logs.h \
	%D%/response.c %D%/response.h
