/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the API server once for each generation of a template whether it would accept a pod and a
 * NetworkPolicy made from it, and reports what it refuses. Then policy.c keeps its policy. The host calls it for a template that is
 * new or has changed.
 */
#include "config.h"

#include "plugins/template/template.h"

/* A pod's name is at most 253 characters long. */
#define NAME_SIZE 254
#define SUFFIX "-check"

enum { CHECK_POD = 1u << 0, CHECK_POLICY = 1u << 1 };

/* The memory of this generation, emptied if it is that of another one. */
static struct template_memory *reconcile_memory(const struct pass *pass)
{
	struct template_memory *memory = pass->call->host->key_state(pass->call, sizeof(*memory));
	int64_t generation = asb_generation(pass->template);
	const char *uid = asb_uid(pass->template);

	uid = uid != NULL ? uid : "";
	if (strncmp(memory->uid, uid, sizeof(memory->uid) - 1) != 0 ||
	    memory->generation != generation) {
		*memory = (struct template_memory){ .generation = generation };
		snprintf(memory->uid, sizeof(memory->uid), "%s", uid);
	}
	return memory;
}

/* "<template>-check". The name is cut to fit, but not after a dot: "a.-check" is not a valid
 * name. */
static void reconcile_name(const char *template_name, char ret[NAME_SIZE])
{
	size_t length = strlen(template_name), most = NAME_SIZE - sizeof(SUFFIX);

	length = length < most ? length : most;
	while (length > 0 && strchr(".-", template_name[length - 1]) != NULL) {
		length--;
	}
	snprintf(ret, NAME_SIZE, "%.*s" SUFFIX, (int)length, template_name);
}

/* The pod that a SandboxWarmPool of the name "check" would create. */
static struct json_object *reconcile_new_pod(const struct pass *pass, const char *name)
{
	struct json_object *pod_template = asb_at(pass->template, "spec", "podTemplate");
	char hash[65];
	struct pod_template_pool pool = {
		.name = "check",
		.template_name = pass->key->name,
		.hash = hash,
	};

	asb_tree_hash(pass->call, pod_template, hash);
	return pod_template_pool_pod(pod_template, pass->key->ns, name, &pool);
}

/* The NetworkPolicy that a claim would create, for a claim whose UID is "check". */
static struct json_object *reconcile_new_policy(const struct pass *pass, const char *name)
{
	struct json_object *rules = asb_at(pass->template, "spec", "networkPolicy");
	struct json_object *policy = asb_new(&kind_policy, pass->key->ns, name);

	json_object_object_add(policy, "spec", policy_rules_spec(rules, LABEL_CLAIM_UID, "check"));
	return policy;
}

/*
 * Handles the response to one dry run. Returns false if it says nothing about the template and the
 * dry run has to be repeated. A name that is taken is no fault of the template: the API server
 * looks at names last.
 */
static bool reconcile_handle(const struct pass *pass, const struct asb_write *write)
{
	const struct asb_kind *kind = write->watch == WATCH_POD ? &kind_pod : &kind_policy;
	const struct asb_host *host = pass->call->host;

	if (write->result == ASB_OK || write->result == ASB_ALREADY_EXISTS) {
		return true;
	}
	if (write->result == ASB_INVALID && write->http_status == 422) {
		host->event(pass->call, pass->template, "Warning", "InvalidTemplate", "%s",
			    write->message);
		return true;
	}
	(void)host->fail(pass->call, ASB_ERROR, "cannot check a %s: %s", kind->kind,
			 write->message);
	return false;
}

/* The parts of this generation that are not checked yet. A policy that is really made needs no
 * check. */
static uint32_t reconcile_due(const struct pass *pass)
{
	bool has_policy = asb_at(pass->template, "spec", "networkPolicy") != NULL &&
			  dialect_policy(pass->template) == DIALECT_POLICY_PER_CLAIM;

	return (has_policy ? CHECK_POD | CHECK_POLICY : CHECK_POD) & ~pass->memory->checked;
}

/* Sends the dry runs that are due, and notes which of them the API server has judged. */
static void reconcile_check(const struct pass *pass)
{
	uint32_t due = reconcile_due(pass), parts[2], count = 0;
	struct asb_write writes[2];
	char name[NAME_SIZE];

	reconcile_name(pass->key->name, name);
	if ((due & CHECK_POD) != 0) {
		parts[count] = CHECK_POD;
		writes[count++] =
			asb_create(WATCH_POD, ASB_PRIORITY_EVENT, reconcile_new_pod(pass, name));
	}
	if ((due & CHECK_POLICY) != 0) {
		parts[count] = CHECK_POLICY;
		writes[count++] = asb_create(WATCH_POLICY, ASB_PRIORITY_EVENT,
					     reconcile_new_policy(pass, name));
	}
	for (uint32_t i = 0; i < count; i++) {
		writes[i].flags = ASB_DRY_RUN;
		writes[i].ns = pass->key->ns;
		writes[i].name = name; /* the one in the body is the host's from now on */
	}
	(void)pass->call->host->write_all(pass->call, writes, count);
	for (uint32_t i = 0; i < count; i++) {
		pass->memory->checked |= reconcile_handle(pass, &writes[i]) ? parts[i] : 0;
	}
}

int32_t template_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms)
{
	struct pass pass = {
		.call = call,
		.key = key,
		.template = asb_get(call, WATCH_TEMPLATE, key->ns, key->name),
	};
	int32_t result;

	(void)state;
	(void)ret_requeue_after_ms;
	if (pass.template == NULL || asb_deleting(pass.template)) {
		return ASB_DONE;
	}
	pass.memory = reconcile_memory(&pass);
	if (reconcile_due(&pass) != 0) {
		reconcile_check(&pass);
	}
	result = policy_ensure(&pass);
	return reconcile_due(&pass) == 0 ? result : ASB_ERROR;
}
