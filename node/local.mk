# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = %D%/env.h %D%/probe.h %D%/runtime.h %D%/volumes.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
libnode_la_LIBADD = libcore.la

# volumes, environment, probes
libnode_la_SOURCES += \
	%D%/env.c %D%/env-field.c \
	%D%/env-expand.c %D%/env-expand.h \
	%D%/probe.c \
	%D%/probe-spec.c %D%/probe-spec.h \
	%D%/probe-try.c \
	%D%/quantity.c %D%/quantity.h \
	%D%/volumes.c \
	%D%/volumes-base64.c %D%/volumes-base64.h \
	%D%/volumes-claims.c %D%/volumes-claims.h %D%/volumes-claims-private.h \
	%D%/volumes-clear.c \
	%D%/volumes-content.c %D%/volumes-content.h \
	%D%/volumes-files.c %D%/volumes-files.h \
	%D%/volumes-host.c %D%/volumes-host.h \
	%D%/volumes-mounts.c \
	%D%/volumes-objects.c %D%/volumes-objects.h \
	%D%/volumes-payload.c %D%/volumes-payload.h \
	%D%/volumes-tree.c

# the node itself: what a pod is, what comes next, what is told
libnode_la_SOURCES += \
	%D%/backoff.c %D%/backoff.h \
	%D%/book.c %D%/book.h \
	%D%/fake-runtime.c %D%/fake-runtime.h \
	%D%/fake-table.c %D%/fake-table.h \
	%D%/images.c %D%/images.h \
	%D%/plan.c %D%/plan.h \
	%D%/pod-view.c %D%/pod-view.h \
	%D%/runtime.c \
	%D%/status.c %D%/status.h %D%/status-private.h \
	%D%/status-conditions.c \
	%D%/status-container.c \
	%D%/tasks.c %D%/tasks.h

# containers on Podman
libnode_la_SOURCES += \
	%D%/podman.c %D%/podman.h %D%/podman-internal.h \
	%D%/podman-call.c \
	%D%/podman-connect.c \
	%D%/podman-container.c \
	%D%/podman-create.c %D%/podman-create.h \
	%D%/podman-etc.c \
	%D%/podman-events.c \
	%D%/podman-exec.c \
	%D%/podman-files.c \
	%D%/podman-frame.c %D%/podman-frame.h \
	%D%/podman-handler.c \
	%D%/podman-hijack.c \
	%D%/podman-image.c \
	%D%/podman-inspect.c %D%/podman-inspect.h \
	%D%/podman-list.c \
	%D%/podman-log.c \
	%D%/podman-pod.c \
	%D%/podman-reference.c %D%/podman-reference.h \
	%D%/podman-service.c \
	%D%/podman-stop.c \
	%D%/podman-stream.c \
	%D%/podman-user.c %D%/podman-user.h

# containers as plain processes
libnode_la_SOURCES += \
	%D%/process.c %D%/process.h %D%/process-private.h \
	%D%/process-container.c \
	%D%/process-exec.c \
	%D%/process-list.c \
	%D%/process-log.c \
	%D%/process-spawn.c \
	%D%/process-state.c \
	%D%/process-supervise.c

# the node as a process
libnode_la_SOURCES += \
	%D%/address.c %D%/address.h \
	%D%/api.c %D%/api.h \
	%D%/bind.c %D%/bind.h \
	%D%/end-pods.c %D%/end-pods.h \
	%D%/node-private.h \
	%D%/pod.c %D%/pod-private.h \
	%D%/pod-look.c \
	%D%/pod-message.c \
	%D%/pod-run.c \
	%D%/pod-security.c %D%/pod-security.h \
	%D%/pod-spec.c %D%/pod-spec.h \
	%D%/pod-start.c \
	%D%/pod-stop.c \
	%D%/register.c %D%/register.h \
	%D%/register-status.c \
	%D%/room.c %D%/room.h \
	%D%/serve.c %D%/serve.h \
	%D%/serve-exec.c %D%/serve-exec.h \
	%D%/serve-exec-parse.c \
	%D%/serve-forward.c %D%/serve-forward.h \
	%D%/serve-logs.c %D%/serve-logs.h \
	%D%/sweep.c %D%/sweep.h

bin_PROGRAMS += agent-sandbox-node
agent_sandbox_node_SOURCES = \
	%D%/main.c \
	%D%/node.c %D%/node.h \
	%D%/options.c %D%/options.h \
	%D%/runtimes.c %D%/runtimes.h
agent_sandbox_node_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
agent_sandbox_node_LDADD = libnode.la
