/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pods and pools stand where in the indexes, and which pools a pod concerns. The host asks
 * for each state of an object, on any thread.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/*
 * "<uid>/<tail>", with a rank. A uid in an owner reference is anybody's text and so is a hash:
 * there is always exactly one slash between them in the values we ask for, so no other pair of
 * texts makes the same value.
 */
static void add_value(struct asb_values *out, const char *uid, const char *tail, int64_t rank)
{
	char value[256];

	if (snprintf(value, sizeof(value), "%s/%s", uid, tail) < (int)sizeof(value)) {
		out->add(out, value, rank);
	}
}

/* The uid of the pool that controls this pod, as its owner reference claims: NULL for none. */
static const char *pool_uid(struct json_object *pod)
{
	struct json_object *owner = asb_controller(pod, NULL);

	return asb_owner_is(owner, &warmpool_watches[WATCH_POOL].kind) ? asb_str(owner, "uid")
								       : NULL;
}

static bool has_ended(struct json_object *pod)
{
	const char *phase = asb_str(pod, "status", "phase");

	return asb_streq(phase, "Failed") || asb_streq(phase, "Succeeded");
}

static bool is_live(struct json_object *pod)
{
	return !asb_deleting(pod) && !has_ended(pod);
}

static int64_t created_ms(struct json_object *pod)
{
	int64_t ms = 0;

	(void)asb_time_parse(asb_str(pod, "metadata", "creationTimestamp"), &ms);
	return ms;
}

int64_t hash_rank(const char *hash)
{
	uint64_t rank = 14695981039346656037u; /* FNV-1a */

	for (; *hash != '\0'; hash++) {
		rank = (rank ^ (unsigned char)*hash) * 1099511628211u;
	}
	return (int64_t)(rank >> 1);
}

void pool_by_template(struct json_object *pool, struct asb_values *out)
{
	const char *template = asb_str(pool, "spec", "sandboxTemplateRef", "name");

	if (template != NULL) {
		add_value(out, asb_ns(pool), template, 0);
	}
}

void pool_by_hash(struct json_object *pool, struct asb_values *out)
{
	const char *name = asb_name(pool);

	if (name != NULL) {
		char hash[9];

		asb_name_hash(name, hash);
		add_value(out, asb_ns(pool), hash, 0);
	}
}

/* Pods of the Go controller tell no hash and stand under "". */
static void add_counted(struct json_object *pod, const char *uid, struct asb_values *out)
{
	const char *hash = asb_annotation(pod, ANNOTATION_HASH);

	add_value(out, uid, ALL, created_ms(pod));
	add_value(out, uid, hash != NULL ? hash : "", created_ms(pod));
}

void pod_live(struct json_object *pod, struct asb_values *out)
{
	const char *uid = pool_uid(pod);

	if (uid != NULL && is_live(pod)) {
		add_counted(pod, uid, out);
	}
}

void pod_ready(struct json_object *pod, struct asb_values *out)
{
	const char *uid = pool_uid(pod);

	if (uid != NULL && is_live(pod) && asb_condition_is(pod, "Ready", "True")) {
		add_counted(pod, uid, out);
	}
}

void pod_hashes(struct json_object *pod, struct asb_values *out)
{
	const char *uid = pool_uid(pod), *hash = asb_annotation(pod, ANNOTATION_HASH);

	if (uid != NULL && hash != NULL && *hash != '\0' && is_live(pod)) {
		bool ready = asb_condition_is(pod, "Ready", "True");

		add_value(out, uid, ready ? READY : UNREADY, hash_rank(hash));
	}
}

void pod_ended(struct json_object *pod, struct asb_values *out)
{
	const char *uid = pool_uid(pod);

	if (uid != NULL && has_ended(pod) && !asb_deleting(pod)) {
		add_value(out, uid, ALL, created_ms(pod));
	}
}

void pod_orphans(struct json_object *pod, struct asb_values *out)
{
	const char *label = asb_label(pod, LABEL_POOL);
	const char *hash = asb_annotation(pod, ANNOTATION_HASH);
	char value[256];

	if (label == NULL || hash == NULL || asb_controller(pod, NULL) != NULL || !is_live(pod)) {
		return;
	}
	if (snprintf(value, sizeof(value), "%s/%s/%s", asb_ns(pod), label, hash) <
	    (int)sizeof(value)) {
		out->add(out, value, created_ms(pod));
	}
}

void pod_to_pools(void *state, struct asb_call *call, struct json_object *before,
		  struct json_object *after, struct asb_keys *out)
{
	const char *label = asb_label(after, LABEL_POOL);
	struct json_object *const *pools = NULL;
	uint32_t count;
	char value[256];

	(void)state;
	(void)before;
	if (label == NULL || asb_controller(after, NULL) != NULL ||
	    snprintf(value, sizeof(value), "%s/%s", asb_ns(after), label) >= (int)sizeof(value)) {
		return;
	}
	count = call->host->list(call, INDEX_POOLS_BY_HASH, value, 0, 0, &pools);
	for (uint32_t i = 0; i < count; i++) {
		out->add(out, asb_ns(pools[i]), asb_name(pools[i]));
	}
}
