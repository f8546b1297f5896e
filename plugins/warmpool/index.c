/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which values the indexes hold pods and pools, and which pools a pod or a Sandbox enqueues.
 * The host calls these functions for each state of an object, on any thread.
 */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/*
 * The UID in an owner reference may be any text, and so may a
 * hash. The values that this plugin asks for have exactly one slash, so no other pair of texts
 * makes the same value.
 */
void index_add(struct asb_values *out, const char *uid, const char *tail, int64_t rank)
{
	char value[256];

	if (snprintf(value, sizeof(value), "%s/%s", uid, tail) < (int)sizeof(value)) {
		out->add(out, value, rank);
	}
}

int64_t index_hash_rank(const char *hash)
{
	uint64_t rank = 14695981039346656037u; /* FNV-1a */

	for (; *hash != '\0'; hash++) {
		rank = (rank ^ (unsigned char)*hash) * 1099511628211u;
	}
	return (int64_t)(rank >> 1);
}

void index_pools_by_template(struct json_object *pool, struct asb_values *out)
{
	const char *template = asb_str(pool, "spec", "sandboxTemplateRef", "name");

	if (template != NULL) {
		index_add(out, asb_ns(pool), template, 0);
	}
}

void index_pools_by_hash(struct json_object *pool, struct asb_values *out)
{
	const char *name = asb_name(pool);

	if (name != NULL) {
		char hash[9];

		asb_name_hash(name, hash);
		index_add(out, asb_ns(pool), hash, 0);
	}
}

/* Pods of the Go controller have no hash: the index holds them under "". */
static void index_add_counted(struct json_object *pod, const char *uid, struct asb_values *out)
{
	const char *hash = asb_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH);

	index_add(out, uid, TAIL_ALL, object_created_ms(pod));
	index_add(out, uid, hash != NULL ? hash : "", object_created_ms(pod));
}

void index_live(struct json_object *pod, struct asb_values *out)
{
	const char *uid = object_controller_uid(pod, &kind_pool);

	if (uid != NULL && object_pod_live(pod)) {
		index_add_counted(pod, uid, out);
	}
}

void index_ready(struct json_object *pod, struct asb_values *out)
{
	const char *uid = object_controller_uid(pod, &kind_pool);

	if (uid != NULL && object_pod_live(pod) && asb_condition_is(pod, "Ready", "True")) {
		index_add_counted(pod, uid, out);
	}
}

void index_hashes(struct json_object *pod, struct asb_values *out)
{
	const char *uid = object_controller_uid(pod, &kind_pool),
		   *hash = asb_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH);

	if (uid != NULL && hash != NULL && *hash != '\0' && object_pod_live(pod)) {
		bool ready = asb_condition_is(pod, "Ready", "True");

		index_add(out, uid, ready ? TAIL_READY : TAIL_UNREADY, index_hash_rank(hash));
	}
}

void index_ended(struct json_object *pod, struct asb_values *out)
{
	const char *uid = object_controller_uid(pod, &kind_pool);

	if (uid != NULL && object_pod_ended(pod) && !asb_deleting(pod)) {
		index_add(out, uid, TAIL_ALL, object_created_ms(pod));
	}
}

void index_orphans(struct json_object *pod, struct asb_values *out)
{
	const char *label = asb_label(pod, LABEL_POOL);
	const char *hash = asb_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH);
	char value[256];

	if (label == NULL || hash == NULL || asb_controller(pod, NULL) != NULL ||
	    !object_pod_live(pod)) {
		return;
	}
	if (snprintf(value, sizeof(value), "%s/%s/%s", asb_ns(pod), label, hash) <
	    (int)sizeof(value)) {
		out->add(out, value, object_created_ms(pod));
	}
}

/* The pools that may adopt an object with this label, if it has no controller. */
static void index_enqueue(struct asb_call *call, struct json_object *after, const char *key,
			  struct asb_keys *out)
{
	const char *label = asb_label(after, key);
	struct json_object *const *pools = NULL;
	uint32_t count;
	char value[256];

	if (label == NULL || asb_controller(after, NULL) != NULL ||
	    snprintf(value, sizeof(value), "%s/%s", asb_ns(after), label) >= (int)sizeof(value)) {
		return;
	}
	count = call->host->list(call, INDEX_POOLS_BY_HASH, value, 0, 0, &pools);
	for (uint32_t i = 0; i < count; i++) {
		out->add(out, asb_ns(pools[i]), asb_name(pools[i]));
	}
}

void index_enqueue_pools(void *state, struct asb_call *call, struct json_object *before,
			 struct json_object *after, struct asb_keys *out)
{
	(void)state;
	(void)before;
	index_enqueue(call, after, LABEL_POOL, out);
}

void index_enqueue_sandbox_pools(void *state, struct asb_call *call, struct json_object *before,
				 struct json_object *after, struct asb_keys *out)
{
	(void)state;
	(void)before;
	index_enqueue(call, after, LABEL_WARM_POOL, out);
}
