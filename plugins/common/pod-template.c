/* SPDX-License-Identifier: Apache-2.0 */
/* Makes pods and policies from templates. Called by all plugins that create or check them. */
#include "config.h"

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/pod-template.h"

/* A template does not set these. */
static const char *const pod_template_system_labels[] = {
	LABEL_NAME_HASH, LABEL_SANDBOX_UID, LABEL_CLAIM_UID, LABEL_POOL, LABEL_TEMPLATE_HASH,
};

static void pod_template_copy(struct json_object *object, struct json_object *template,
			      const char *name)
{
	struct json_object *member = asb_at(template, "metadata", name);

	if (member != NULL) {
		json_object_object_add(asb_object_in(object, "metadata"), name, asb_copy(member));
	}
}

void pod_template_metadata(struct json_object *object, struct json_object *template)
{
	pod_template_copy(object, template, "labels");
	pod_template_copy(object, template, "annotations");
}

void pod_template_deny_token(struct json_object *spec)
{
	if (json_object_is_type(spec, json_type_object) &&
	    asb_at(spec, "automountServiceAccountToken") == NULL) {
		json_object_object_add(spec, "automountServiceAccountToken",
				       json_object_new_boolean(0));
	}
}

void pod_template_secure(struct json_object *spec, struct json_object *sandbox_template)
{
	static const char *const servers[] = { "8.8.8.8", "1.1.1.1" };
	const char *policy = asb_str(spec, "dnsPolicy");
	struct json_object *list;

	pod_template_deny_token(spec);
	if (!json_object_is_type(spec, json_type_object) || (policy != NULL && *policy != '\0') ||
	    dialect_policy(sandbox_template) != DIALECT_POLICY_MANAGED ||
	    asb_at(sandbox_template, "spec", "networkPolicy") != NULL) {
		return;
	}
	asb_set_str(spec, "dnsPolicy", "None");
	list = json_object_new_array();
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		json_object_array_add(list, json_object_new_string(servers[i]));
	}
	json_object_object_add(asb_object_in(spec, "dnsConfig"), "nameservers", list);
}

struct json_object *pod_template_pod(struct json_object *pod_template, const char *ns,
				     const char *name)
{
	size_t count = sizeof(pod_template_system_labels) / sizeof(pod_template_system_labels[0]);
	struct json_object *pod = asb_new(&kind_pod, ns, name);

	pod_template_metadata(pod, pod_template);
	for (size_t i = 0; i < count; i++) {
		asb_set_label(pod, pod_template_system_labels[i], NULL);
	}
	json_object_object_add(pod, "spec", asb_copy(asb_at(pod_template, "spec")));
	return pod;
}

struct json_object *pod_template_pool_pod(struct json_object *pod_template, const char *ns,
					  const char *name, const struct pod_template_pool *pool)
{
	struct json_object *pod = pod_template_pod(pod_template, ns, name);
	char prefix[256], hash[9];

	snprintf(prefix, sizeof(prefix), "%s-", pool->name);
	asb_set_str(asb_object_in(pod, "metadata"), "generateName", prefix);
	asb_name_hash(pool->name, hash);
	asb_set_label(pod, LABEL_POOL, hash);
	asb_name_hash(pool->template_name, hash);
	asb_set_label(pod, LABEL_TEMPLATE_HASH, hash);
	asb_set_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH, pool->hash);
	pod_template_deny_token(asb_at(pod, "spec"));
	return pod;
}
