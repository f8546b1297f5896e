/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime over Podman's REST API (Debian's 4.3.1), as root.
 *
 * Podman's API ignores a container's OCI runtime, and Podman's own pods fail under runsc. So there
 * is one `podman --runtime H system service` child for each handler, on a socket of its own and on
 * the same storage, started when a pod first asks for it; and a pod is a pause container on a
 * bridge network, whose network namespace the others join. After each create the runtime is read
 * back and a container that is not under its handler is removed before it starts.
 *
 * Containers outlive the node: everything is found again by labels. The services do not outlive it.
 */
#ifndef ASB_NODE_PODMAN_PODMAN_H
#define ASB_NODE_PODMAN_PODMAN_H

#include "base/sched.h"
#include "node/runtime/runtime.h"

/* Copied. NULL and 0 take the default named. */
struct podman_config {
	const char *state_dir; /* absolute, made (0700) when absent: sockets, a containers.conf, the
				  pause's rootfs; required */
	const char *node;   /* the node's name, in every container's label; required. Two nodes with
				  one name on one machine differ by their state_dir. */
	const char *podman; /* "podman", found on PATH */
	const char *network; /* "agent-sandbox": a bridge, made when absent */
	const char
		*handler; /* for pods without a RuntimeClass: "runc" or "crun"; NULL: the first of
				  them that runs a container */
	/* Of runsc: "systrap", "ptrace" or "kvm". NULL: systrap where runsc knows it, else ptrace;
	 * never kvm, which hangs for ever where virtualization is nested badly. */
	const char *runsc_platform;
	const char *pause; /* "catatonit", found on PATH: a static binary that waits */
	uint64_t log_max;  /* bytes of a container's log that are stored: 10 MiB */
	uint32_t creates;  /* most creates and starts at one time: 8 */
};

/* Makes the state directory; runs nothing yet: check() and the first pod do. changed is called on
 * threads of the runtime until destroy returns. */
int podman_runtime_create(struct sched *sched, const struct podman_config *config,
			  runtime_changed changed, void *arg, struct runtime **ret,
			  struct error *reterr);

#endif
