/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the API server once for each generation of a template whether it would take a pod and a
 * NetworkPolicy made from it, and tells what it refuses. The host calls it for a template that is
 * new or has changed.
 */
#include "config.h"

#include "plugins/template/template.h"

/* A pod's name is at most 253 characters long. */
#define NAME_SIZE 254
#define SUFFIX "-check"

enum { CHECK_POD = 1u << 0, CHECK_POLICY = 1u << 1 };

/* What is remembered of a template: key_state() of plugin.h. */
struct checked {
	char uid[64];
	int64_t generation;
	uint32_t parts; /* CHECK_*: those of this generation that have been answered */
	uint32_t reserved;
};

/* The memory of this generation, emptied if it is that of another one. */
static struct checked *recall(struct asb_call *call, struct json_object *template)
{
	struct checked *checked =
		(struct checked *)call->host->key_state(call, sizeof(struct checked));
	const char *uid = asb_uid(template);

	uid = uid != NULL ? uid : "";
	if (strncmp(checked->uid, uid, sizeof(checked->uid) - 1) != 0 ||
	    checked->generation != asb_generation(template)) {
		*checked = (struct checked){ .generation = asb_generation(template) };
		snprintf(checked->uid, sizeof(checked->uid), "%s", uid);
	}
	return checked;
}

/* "<template>-check"; the name is cut to fit, but not after a dot: "a.-check" is no name. */
static void check_name(const char *template_name, char ret[NAME_SIZE])
{
	size_t length = strlen(template_name), most = NAME_SIZE - sizeof(SUFFIX);

	length = length < most ? length : most;
	while (length > 0 && strchr(".-", template_name[length - 1]) != NULL) {
		length--;
	}
	snprintf(ret, NAME_SIZE, "%.*s" SUFFIX, (int)length, template_name);
}

static const char *const maps[] = { "labels", "annotations" };

static struct json_object *new_pod(struct json_object *template, const char *ns, const char *name)
{
	struct json_object *pod_template = asb_at(template, "spec", "podTemplate");
	struct json_object *spec = asb_copy(asb_at(pod_template, "spec"));
	struct json_object *pod = asb_new(&template_watches[WATCH_POD].kind, ns, name);

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct json_object *map = asb_at(pod_template, "metadata", maps[i]);

		if (map != NULL) {
			json_object_object_add(asb_object_in(pod, "metadata"), maps[i],
					       asb_copy(map));
		}
	}
	if (json_object_is_type(spec, json_type_object) &&
	    asb_at(spec, "automountServiceAccountToken") == NULL) {
		json_object_object_add(spec, "automountServiceAccountToken",
				       json_object_new_boolean(0));
	}
	json_object_object_add(pod, "spec", spec);
	return pod;
}

static const char *const directions[] = { "ingress", "egress" };
static const char *const types[] = { "Ingress", "Egress" };

/* Shaped as a claim's, but for the label that it selects. */
static struct json_object *new_policy(struct json_object *template, const char *ns,
				      const char *name)
{
	struct json_object *rules = asb_at(template, "spec", "networkPolicy");
	struct json_object *policy = asb_new(&template_watches[WATCH_POLICY].kind, ns, name);
	struct json_object *spec = asb_object_in(policy, "spec");
	struct json_object *type_list = json_object_new_array();

	asb_set_str(asb_object_in(asb_object_in(spec, "podSelector"), "matchLabels"),
		    "agents.x-k8s.io/claim-uid", "check");
	for (size_t i = 0; i < 2; i++) {
		struct json_object *list = asb_at(rules, directions[i]);

		json_object_array_add(type_list, json_object_new_string(types[i]));
		if (list != NULL) {
			json_object_object_add(spec, directions[i], asb_copy(list));
		}
	}
	json_object_object_add(spec, "policyTypes", type_list);
	return policy;
}

/*
 * Takes the response to one dry run; false: it was none, ask again later. A name that is taken is no
 * fault of the template: the API server looks at names last.
 */
static bool take_response(struct asb_call *call, struct json_object *template,
			  const struct asb_write *write)
{
	if (write->result == ASB_OK || write->result == ASB_ALREADY_EXISTS) {
		return true;
	}
	if (write->result == ASB_INVALID && write->http_status == 422) {
		call->host->event(call, template, "Warning", "InvalidTemplate", "%s",
				  write->message);
		return true;
	}
	(void)call->host->fail(call, ASB_ERROR, "cannot check a %s: %s",
			       template_watches[write->watch].kind.kind, write->message);
	return false;
}

/* What of this generation has yet to be answered. */
static uint32_t due_parts(struct json_object *template, const struct checked *checked)
{
	bool has_policy = asb_at(template, "spec", "networkPolicy") != NULL;

	return (has_policy ? CHECK_POD | CHECK_POLICY : CHECK_POD) & ~checked->parts;
}

/* Sends what is due, and notes what has been answered. */
static void check(struct asb_call *call, struct json_object *template, const struct asb_key *key,
		  struct checked *checked)
{
	uint32_t due = due_parts(template, checked), parts[2], count = 0;
	struct asb_write writes[2];
	char name[NAME_SIZE];

	check_name(key->name, name);
	if ((due & CHECK_POD) != 0) {
		parts[count] = CHECK_POD;
		writes[count++] =
			asb_create(WATCH_POD, ASB_PRIORITY_EVENT, new_pod(template, key->ns, name));
	}
	if ((due & CHECK_POLICY) != 0) {
		parts[count] = CHECK_POLICY;
		writes[count++] = asb_create(WATCH_POLICY, ASB_PRIORITY_EVENT,
					     new_policy(template, key->ns, name));
	}
	for (uint32_t i = 0; i < count; i++) {
		writes[i].flags = ASB_DRY_RUN;
		writes[i].ns = key->ns;
		writes[i].name = name; /* the one in the body is the host's from now on */
	}
	(void)call->host->write_all(call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		checked->parts |= take_response(call, template, &writes[i]) ? parts[i] : 0;
	}
}

int32_t template_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms)
{
	struct json_object *template = asb_get(call, WATCH_TEMPLATE, key->ns, key->name);
	struct checked *checked;

	(void)state;
	(void)ret_requeue_after_ms;
	if (template == NULL || asb_deleting(template)) {
		return ASB_DONE;
	}
	checked = recall(call, template);
	if (due_parts(template, checked) == 0) {
		return ASB_DONE;
	}
	check(call, template, key, checked);
	return due_parts(template, checked) == 0 ? ASB_DONE : ASB_ERROR;
}
