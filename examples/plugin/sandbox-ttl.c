/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin of its own kind: a SandboxTTL deletes the SandboxClaims of its namespace that carry a
 * label and are older than it allows. The controller loads it with --plugin sandbox-ttl.so;
 * docs/plugin-abi.md walks through it.
 */
#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <stdlib.h>

extern const char sandbox_ttl_crd[]; /* made from crd.yaml */

#define VALUE_MAX 512 /* "<namespace>/<key>=<value>": 63 + 317 + 63 bytes and three */

/* Places in the tables below. The entry after the last one is zeroed: it ends the table. */
enum { WATCH_TTL, WATCH_CLAIM, WATCH_MAX };
enum { INDEX_TTLS, INDEX_CLAIMS, INDEX_MAX };
enum { OPTION_MIN_SECONDS, OPTION_MAX };
enum { METRIC_REAPED, METRIC_MAX };

struct state {
	int64_t min_seconds;
};

/* What is remembered of one SandboxTTL: key_state() of plugin.h. */
struct tally {
	int64_t reaped;
};

/* ---- indexes: both use the values "<namespace>/<key>=<value>", so each kind finds the other ---- */

static void ttl_index_ttl(struct json_object *ttl, struct asb_values *out)
{
	const char *label = asb_str(ttl, "spec", "label");
	char value[VALUE_MAX];

	if (label != NULL) {
		snprintf(value, sizeof(value), "%s/%s", asb_ns(ttl), label);
		out->add(out, value, 0);
	}
}

/* The oldest claim comes first. A claim that is being deleted is left out. */
static void ttl_index_claim(struct json_object *claim, struct asb_values *out)
{
	struct json_object *labels = asb_at(claim, "metadata", "labels");
	char value[VALUE_MAX];
	int64_t created_ms;

	if (asb_deleting(claim) || !json_object_is_type(labels, json_type_object) ||
	    !asb_time_parse(asb_str(claim, "metadata", "creationTimestamp"), &created_ms)) {
		return;
	}
	json_object_object_foreach (labels, key, label) {
		const char *text = asb_as_str(label);

		if (text != NULL) {
			snprintf(value, sizeof(value), "%s/%s=%s", asb_ns(claim), key, text);
			out->add(out, value, created_ms);
		}
	}
}

static const struct asb_index indexes[] = {
	[INDEX_TTLS] = { .name = "ttls-by-label", .watch = WATCH_TTL, .values = ttl_index_ttl },
	[INDEX_CLAIMS] = {
		.name = "claims-by-label",
		.watch = WATCH_CLAIM,
		.values = ttl_index_claim,
	},
	[INDEX_MAX] = { 0 },
};

/* ---- watches ---- */

/* An asb_values that enqueues the SandboxTTLs of each value, instead of adding it to an index. */
struct lookup {
	struct asb_values values;
	struct asb_call *call;
	struct asb_keys *keys;
};

static void ttl_look_up(struct asb_values *values, const char *value, int64_t rank)
{
	struct lookup *lookup = (struct lookup *)values;
	struct json_object *const *ttls;
	uint32_t count = lookup->call->host->list(lookup->call, INDEX_TTLS, value, 0, 0, &ttls);

	(void)rank;
	for (uint32_t i = 0; i < count; i++) {
		lookup->keys->add(lookup->keys, asb_ns(ttls[i]), asb_name(ttls[i]));
	}
}

/* A claim enqueues the SandboxTTLs of the labels that it has now, and of those that it had
 * before. */
static void ttl_enqueue_claim(void *state, struct asb_call *call, struct json_object *before,
			      struct json_object *after, struct asb_keys *out)
{
	struct lookup lookup = { { ttl_look_up }, call, out };

	(void)state;
	ttl_index_claim(before, &lookup.values);
	ttl_index_claim(after, &lookup.values);
}

static const char *const ttl_fields[] = { "spec", "status", NULL };

static const struct asb_watch watches[] = {
	[WATCH_TTL] = {
		.kind = {
			.group = "examples.agents.x-k8s.io",
			.version = "v1alpha1",
			.plural = "sandboxttls",
			.kind = "SandboxTTL",
		},
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = ttl_fields,
	},
	[WATCH_CLAIM] = {
		.kind = {
			.group = "extensions.agents.x-k8s.io",
			.version = "v1alpha1",
			.plural = "sandboxclaims",
			.kind = "SandboxClaim",
		},
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = ttl_enqueue_claim,
		.flags = ASB_WATCH_METADATA,
	},
	[WATCH_MAX] = { .kind = { 0 } },
};

/* ---- rights, options, metrics ---- */

static const struct asb_rule rules[] = {
	{
		.groups = "examples.agents.x-k8s.io",
		.resources = "sandboxttls",
		.verbs = "get,list,watch",
	},
	{
		.groups = "examples.agents.x-k8s.io",
		.resources = "sandboxttls/status",
		.verbs = "patch",
	},
	{
		.groups = "extensions.agents.x-k8s.io",
		.resources = "sandboxclaims",
		.verbs = "get,list,watch,delete",
	},
	{ 0 },
};

static const struct asb_option options[] = {
	[OPTION_MIN_SECONDS] = {
		.name = "min-seconds",
		.fallback = "60",
		.help = "the shortest ttlSeconds that is obeyed; a shorter one counts as this",
	},
	[OPTION_MAX] = { 0 },
};

static const struct asb_metric metrics[] = {
	[METRIC_REAPED] = {
		.name = "sandbox_ttl_reaped_total",
		.help = "SandboxClaims deleted because a SandboxTTL said so.",
		.labels = "namespace",
		.type = ASB_COUNTER,
	},
	[METRIC_MAX] = { 0 },
};

/* ---- reconcile ---- */

/* One reconcile of one SandboxTTL. */
struct pass {
	struct asb_call *call;
	struct json_object *ttl;
	struct tally *tally;
	char value[VALUE_MAX]; /* of both indexes */
	int64_t ttl_ms, now_ms;
};

static int64_t ttl_created_ms(struct json_object *claim)
{
	int64_t ms = 0;

	/* The index has only claims with a valid time. */
	(void)asb_time_parse(asb_str(claim, "metadata", "creationTimestamp"), &ms);
	return ms;
}

static void ttl_note_deletion(struct pass *pass, const char *name, int64_t age_ms)
{
	const struct asb_host *host = pass->call->host;
	const char *label_values[] = { asb_ns(pass->ttl) };

	pass->tally->reaped++;
	host->metric(pass->call->instance, METRIC_REAPED, 1, label_values);
	host->event(pass->call, pass->ttl, "Normal", "Reaped",
		    "Deleted SandboxClaim '%s' at the age of %lld s", name,
		    (long long)(age_ms / 1000));
}

/*
 * Deletes the oldest claims that are due, as many as one write_all can send; if there are more,
 * ttl_report() asks for another call. Each claim is deleted only as the store saw it: one that has
 * just lost the label stays. Returns ASB_DONE or ASB_ERROR.
 */
static int32_t ttl_delete_due(struct pass *pass)
{
	struct asb_write writes[ASB_WRITE_MAX];
	struct json_object *const *claims;
	uint32_t due = 0, count = pass->call->host->list(pass->call, INDEX_CLAIMS, pass->value,
							 ASB_WRITE_MAX, 0, &claims);
	int32_t result = ASB_DONE;

	while (due < count && pass->now_ms - ttl_created_ms(claims[due]) >= pass->ttl_ms) {
		writes[due] = asb_remove(WATCH_CLAIM, claims[due], true);
		writes[due].priority = ASB_PRIORITY_REFILL; /* nobody waits for it */
		due++;
	}
	if (due == 0) {
		return ASB_DONE;
	}
	(void)pass->call->host->write_all(pass->call, writes, due);
	for (uint32_t i = 0; i < due; i++) {
		if (writes[i].result == ASB_OK) {
			ttl_note_deletion(pass, writes[i].name,
					  pass->now_ms - ttl_created_ms(claims[i]));
		} else if (writes[i].result != ASB_NOT_FOUND) {
			result = pass->call->host->fail(pass->call, ASB_ERROR,
							"cannot delete SandboxClaim '%s': %s",
							writes[i].name, writes[i].message);
		}
	}
	return result;
}

/* Writes the status if it differs. *ret_next_ms is when the oldest remaining claim is due, or 0. */
static int32_t ttl_report(struct pass *pass, int64_t *ret_next_ms)
{
	struct json_object *status = json_object_new_object(), *const * oldest;
	struct asb_write write;
	char text[21];

	*ret_next_ms = 0;
	json_object_object_add(
		status, "active",
		json_object_new_int64((int64_t)asb_count(pass->call, INDEX_CLAIMS, pass->value)));
	json_object_object_add(status, "reaped", json_object_new_int64(pass->tally->reaped));
	if (pass->call->host->list(pass->call, INDEX_CLAIMS, pass->value, 1, 0, &oldest) > 0) {
		*ret_next_ms = ttl_created_ms(oldest[0]) + pass->ttl_ms;
		asb_time_format(*ret_next_ms, text);
		asb_set_str(status, "nextReapTime", text);
	}
	write = asb_set_status(WATCH_TTL, pass->ttl, status);
	if (asb_write(pass->call, &write) != ASB_OK && write.result != ASB_NOT_FOUND) {
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot write the status: %s",
					      write.message);
	}
	return ASB_DONE;
}

static int32_t ttl_reconcile(void *take_state, struct asb_call *call, const struct asb_key *key,
			     uint64_t *ret_requeue_after_ms)
{
	const struct state *state = (const struct state *)take_state;
	struct pass pass = { .call = call,
			     .ttl = asb_get(call, WATCH_TTL, key->ns, key->name),
			     .now_ms = asb_now_ms(call) };
	int64_t seconds = asb_int(asb_at(pass.ttl, "spec", "ttlSeconds"), 0), stored, next_ms;
	int32_t result, reported;

	if (pass.ttl == NULL || asb_deleting(pass.ttl)) {
		return ASB_DONE;
	}
	if (asb_str(pass.ttl, "spec", "label") == NULL || seconds <= 0 || seconds > INT32_MAX) {
		return call->host->fail(call, ASB_TERMINAL_ERROR,
					"the spec has no label, or no ttlSeconds from 1 to %d",
					INT32_MAX);
	}
	snprintf(pass.value, sizeof(pass.value), "%s/%s", key->ns,
		 asb_str(pass.ttl, "spec", "label"));
	pass.ttl_ms = (seconds > state->min_seconds ? seconds : state->min_seconds) * 1000;
	/* The higher one counts: the key's state has what a failed write of the status has not
	 * reported, and after a restart only the status has the number. */
	pass.tally = (struct tally *)call->host->key_state(call, sizeof(*pass.tally));
	stored = asb_int(asb_at(pass.ttl, "status", "reaped"), 0);
	pass.tally->reaped = pass.tally->reaped > stored ? pass.tally->reaped : stored;

	result = ttl_delete_due(&pass);
	reported = ttl_report(&pass, &next_ms);
	if (result != ASB_DONE || reported != ASB_DONE) {
		return result != ASB_DONE ? result : reported;
	}
	*ret_requeue_after_ms = next_ms > pass.now_ms ? (uint64_t)(next_ms - pass.now_ms) : 0;
	return next_ms > 0 ? ASB_REQUEUE_AFTER : ASB_DONE;
}

/* ---- start ---- */

static int32_t ttl_init(const struct asb_host *host, struct asb_instance *instance,
			void **ret_state)
{
	const char *text = host->option(instance, OPTION_MIN_SECONDS);
	struct json_object *number = json_tokener_parse(text);
	int64_t seconds = asb_int(number, -1);
	struct state *state;

	json_object_put(number);
	if (seconds < 1 || seconds > INT32_MAX) {
		host->log(instance, ASB_LOG_ERROR,
			  "min-seconds takes a whole number from 1, not '%s'", text);
		return -1;
	}
	state = (struct state *)calloc(1, sizeof(*state));
	if (state == NULL) {
		host->log(instance, ASB_LOG_ERROR, "out of memory");
		return -1;
	}
	state->min_seconds = seconds;
	*ret_state = state;
	return 0;
}

static const struct asb_plugin plugin = {
	ASB_PLUGIN_HEAD,
	.name = "sandbox-ttl",
	.version = "1.0",
	.description = "deletes SandboxClaims of a label that are older than a SandboxTTL allows",
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.options = options,
	.metrics = metrics,
	.crd = sandbox_ttl_crd,
	.init = ttl_init,
	.reconcile = ttl_reconcile,
	.fini = free,
};

ASB_PLUGIN(plugin)
