/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sysctls and seccomp profiles of a pod: what may be set, and where it is set.
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
 * https://kubernetes.io/docs/tutorials/security/seccomp/
 */
#ifndef ASB_NODE_POD_SECURITY_H
#define ASB_NODE_POD_SECURITY_H

#include <json-c/json.h>

#include "base/error.h"

/* "name=value" of spec.securityContext.sysctls: those of the network, which all containers share,
 * and those of each container's IPC namespace. Both are the caller's and end in NULL. -EINVAL for
 * one that a kubelet would not take by default, in its words. */
int sysctls_read(struct json_object *pod, char ***ret_network, char ***ret_own,
		 struct error *reterr);

/* The profile of a container, the caller's: NULL for the runtime's own (RuntimeDefault, or nothing
 * said), "unconfined", or for type Localhost the path of a file below <root>/seccomp. -EPERM where
 * there is no such file or type: the container must not run under another profile than it names. */
int seccomp_read(const char *root, struct json_object *pod, struct json_object *container,
		 char **ret, struct error *reterr);

#endif
