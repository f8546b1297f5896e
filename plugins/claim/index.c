/* SPDX-License-Identifier: Apache-2.0 */
/* What the indexes of this plugin hold and which claim a NetworkPolicy enqueues: pure functions of
 * one object. The host calls them for each state of an object; pick.c asks the same questions about
 * one pod. */
#include "config.h"

#include "plugins/claim/claim.h"

/* Added to the rank of a pod that is not Ready: it is more than any time in milliseconds since
 * 1970, so these pods come after all that are Ready. */
#define RANK_NOT_READY ((int64_t)1 << 60)

/* Adds "<a>/<b>", or "<a>/<b>/<c>" when c is not NULL. A value that is too long is left out: nobody
 * asks for it. */
static void index_add(struct asb_values *out, int64_t rank, const char *a, const char *b,
		      const char *c)
{
	char value[VALUE_SIZE];
	int length = snprintf(value, sizeof(value), "%s/%s%s%s", a, b, c != NULL ? "/" : "",
			      c != NULL ? c : "");

	if (length > 0 && (size_t)length < sizeof(value)) {
		out->add(out, value, rank);
	}
}

void index_by_template(struct json_object *object, struct asb_values *out)
{
	const char *name = asb_str(object, "spec", "sandboxTemplateRef", "name");

	if (name != NULL) {
		index_add(out, 0, asb_ns(object), name, NULL);
	}
}

void index_by_pool(struct json_object *claim, struct asb_values *out)
{
	const char *name = asb_str(claim, "spec", "warmPoolRef", "name");

	if (name != NULL) {
		index_add(out, 0, asb_ns(claim), name, NULL);
	}
}

void index_owned_sandboxes(struct json_object *sandbox, struct asb_values *out)
{
	const char *uid = object_controller_uid(sandbox, &kind_claim);

	if (uid != NULL) {
		index_add(out, object_created_ms(sandbox), asb_ns(sandbox), uid, NULL);
	}
}

/* Adds the claims that name this pool. */
static void index_add_claims(struct asb_call *call, const char *ns, const char *name,
			     struct asb_keys *out)
{
	struct json_object *const *claims = NULL;
	char value[VALUE_SIZE];
	uint32_t count;

	snprintf(value, sizeof(value), "%s/%s", ns, name);
	count = call->host->list(call, INDEX_CLAIMS_BY_POOL, value, UINT32_MAX, 0, &claims);
	for (uint32_t i = 0; i < count; i++) {
		out->add(out, ns, asb_name(claims[i]));
	}
}

void index_enqueue_pool_claims(void *state, struct asb_call *call, struct json_object *before,
			       struct json_object *after, struct asb_keys *out)
{
	struct json_object *changed = after != NULL ? after : before, *const *pools = NULL;
	const char *ns = asb_ns(changed);
	char value[VALUE_SIZE];
	uint32_t count;

	(void)state;
	snprintf(value, sizeof(value), "%s/%s", ns, asb_name(changed));
	count = call->host->list(call, INDEX_POOLS_BY_TEMPLATE, value, UINT32_MAX, 0, &pools);
	for (uint32_t i = 0; i < count; i++) {
		index_add_claims(call, ns, asb_name(pools[i]), out);
	}
}

const char *index_warm_pod_pool(struct json_object *pod)
{
	/* The pool's label does not count: anybody can write one. */
	return object_pod_live(pod) ? object_controller_uid(pod, &kind_pool) : NULL;
}

int64_t index_warm_pod_rank(struct json_object *pod)
{
	int64_t created = object_created_ms(pod), since = 0;

	if (!asb_condition_is(pod, "Ready", "True")) {
		return RANK_NOT_READY + created;
	}
	return asb_time_parse(asb_str(asb_condition(pod, "Ready"), "lastTransitionTime"), &since)
		       ? since
		       : created;
}

void index_warm_pods(struct json_object *pod, struct asb_values *out)
{
	const char *pool = index_warm_pod_pool(pod), *hash;
	int64_t rank;

	if (pool == NULL) {
		return;
	}
	rank = index_warm_pod_rank(pod);
	hash = asb_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH);
	index_add(out, rank, asb_ns(pod), pool, NULL);
	/* A pod without the annotation is one of the Go controller's: it counts as current. */
	index_add(out, rank, asb_ns(pod), pool, hash != NULL ? hash : "");
}

void index_named_pods(struct json_object *sandbox, struct asb_values *out)
{
	const char *pod = asb_annotation(sandbox, ANNOTATION_POD_NAME);

	if (pod != NULL && *pod != '\0' &&
	    asb_owner_is(asb_controller(sandbox, NULL), &kind_claim)) {
		index_add(out, 0, asb_ns(sandbox), pod, NULL);
	}
}

void index_claims_by_uid(struct json_object *claim, struct asb_values *out)
{
	const char *uid = asb_uid(claim);

	if (uid != NULL) {
		index_add(out, 0, asb_ns(claim), uid, NULL);
	}
}

void index_orphans(struct json_object *pod, struct asb_values *out)
{
	if (orphan_is(pod)) {
		index_add(out, 0, asb_ns(pod), asb_label(pod, LABEL_NAME_HASH), NULL);
	}
}

void index_enqueue_policy_claim(void *state, struct asb_call *call, struct json_object *before,
				struct json_object *after, struct asb_keys *out)
{
	struct json_object *policy = after != NULL ? after : before;
	const char *name = asb_name(policy);
	size_t length = name != NULL ? strlen(name) : 0, suffix = strlen(POLICY_SUFFIX);
	char claim[254];

	(void)state;
	(void)call;
	if (length <= suffix || length - suffix >= sizeof(claim) ||
	    strcmp(name + length - suffix, POLICY_SUFFIX) != 0) {
		return;
	}
	memcpy(claim, name, length - suffix);
	claim[length - suffix] = '\0';
	out->add(out, asb_ns(policy), claim);
}
