/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of one reconcile of a pool: it deletes, adopts and creates members, then writes the
 * status. The host calls it for a pool whenever the pool, its template or one of its
 * members has changed.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* The pool's memory, emptied if it is that of an earlier pool of the same name. */
static struct warmpool_memory *reconcile_memory(struct pass *pass)
{
	struct warmpool_memory *memory = pass->host->key_state(pass->call, sizeof(*memory));

	if (strncmp(memory->uid, pass->uid, sizeof(memory->uid) - 1) != 0) {
		*memory = (struct warmpool_memory){ 0 };
		snprintf(memory->uid, sizeof(memory->uid), "%s", pass->uid);
	}
	return memory;
}

/* The schema allows 0..INT32_MAX only. The value is clamped all the same, so that no sum of it
 * overflows. */
static int64_t reconcile_replicas(struct json_object *pool)
{
	int64_t replicas = asb_int(asb_at(pool, "spec", "replicas"), 0);

	return replicas < 0 ? 0 : replicas > INT32_MAX ? INT32_MAX : replicas;
}

/* Finds the template. An event says once that it is missing, and again only after it was there or
 * the pool has named another one. */
static void reconcile_find_template(struct pass *pass)
{
	char hash[9];

	pass->template_name = asb_str(pass->pool, "spec", "sandboxTemplateRef", "name");
	if (pass->template_name == NULL) {
		pass->template_name = "";
	}
	pass->template = asb_get(pass->call, WATCH_TEMPLATE, pass->key->ns, pass->template_name);
	if (pass->template != NULL) {
		asb_tree_hash(pass->call, asb_at(pass->template, "spec", "podTemplate"),
			      pass->hash);
		if (pass->members == &member_sandboxes) {
			pass->blueprint = blueprint_spec(pass->template);
			blueprint_hash(pass->call, pass->template_name, pass->blueprint,
				       pass->blueprint_hash);
		}
		pass->memory->no_template[0] = '\0';
		return;
	}
	asb_name_hash(pass->template_name, hash);
	if (strcmp(pass->memory->no_template, hash) != 0) {
		snprintf(pass->memory->no_template, sizeof(pass->memory->no_template), "%s", hash);
		pass->host->event(pass->call, pass->pool, "Warning", "TemplateNotFound",
				  "SandboxTemplate \"%s\" not found", pass->template_name);
	}
}

/* Chooses between pools of Pods and pools of Sandboxes. */
static void reconcile_choose_members(struct pass *pass)
{
	bool pods = dialect_members(pass->pool) == DIALECT_MEMBERS_PODS;

	pass->members = pods ? &member_pods : &member_sandboxes;
	pass->others = pods ? &member_sandboxes : &member_pods;
	pass->batch = pass->members->first_batch;
	pass->creations = pods ? WRITES_PER_PASS : pass->settings->max_batch;
}

int32_t warmpool_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms)
{
	struct pass pass = {
		.call = call,
		.host = call->host,
		.key = key,
		.pool = asb_get(call, WATCH_POOL, key->ns, key->name),
		.settings = state,
		.budget = WRITES_PER_PASS,
		.after_ms = REQUEUE_NEVER,
	};
	bool known;

	pass.uid = asb_uid(pass.pool);
	if (pass.uid == NULL) {
		status_forget(call, key);
		return ASB_DONE;
	}
	if (asb_deleting(pass.pool)) {
		return ASB_DONE; /* the garbage collector deletes its members */
	}
	pass.replicas = reconcile_replicas(pass.pool);
	pass.memory = reconcile_memory(&pass);
	reconcile_choose_members(&pass);
	known = expectation_check(&pass);
	reconcile_find_template(&pass);

	/* Deletions come first, to make room for the members that are created next. */
	drain_others(&pass);
	pass.members->trim(&pass);
	if (known && pass.template != NULL) {
		fill_run(&pass);
	}
	status_report(&pass);
	json_object_put(pass.blueprint);
	/* A failed reconcile waits for its backoff, but its status does not. */
	return requeue_result(call, key, pass.failed ? ASB_ERROR : ASB_DONE, pass.after_ms,
			      ret_requeue_after_ms);
}
