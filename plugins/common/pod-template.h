/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects made from a template: the pod of a podTemplate, the pod of a warm pool. The plugins that create them and the dry runs of the template plugin call the same
 * functions, so that what is checked is what is made.
 */
#ifndef PLUGINS_COMMON_POD_TEMPLATE_H
#define PLUGINS_COMMON_POD_TEMPLATE_H

#include <agent-sandbox/helpers.h>

/* What the labels and annotations of a pool's pod say; all of it is borrowed. */
struct pod_template_pool {
	const char *name;          /* of the SandboxWarmPool */
	const char *template_name; /* of the SandboxTemplate */
	const char *hash;          /* of its podTemplate: asb_tree_hash, 65 bytes */
};

/* Copies the labels and annotations of a template into object. */
void pod_template_metadata(struct json_object *object, struct json_object *template);

/* Gives a pod's spec no service account token unless it says whether it wants one: untrusted code
 * gets a token only if the template's author says so. */
void pod_template_deny_token(struct json_object *spec);

/* Gives the pod spec of a Sandbox made from a SandboxTemplate of v1beta1 the secure defaults: no
 * token and, where the default NetworkPolicy shuts out the DNS of the cluster, public name
 * servers. */
void pod_template_secure(struct json_object *spec, struct json_object *sandbox_template);

/* A new pod, owned by the caller, with the spec, labels and annotations of a podTemplate, but
 * without the labels that only the controller sets: they say whose a pod is and let traffic
 * through. */
struct json_object *pod_template_pod(struct json_object *pod_template, const char *ns,
				     const char *name);

/* The same as a pod of this pool, still without an owner. */
struct json_object *pod_template_pool_pod(struct json_object *pod_template, const char *ns,
					  const char *name, const struct pod_template_pool *pool);

#endif
