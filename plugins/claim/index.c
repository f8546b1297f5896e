/* SPDX-License-Identifier: Apache-2.0 */
/* What the indexes of this plugin hold and how a NetworkPolicy maps to its claim: pure functions of
 * one object. The host calls them for each state of an object, pick.c asks the same questions about
 * a pod it holds. */
#include "config.h"

#include "plugins/claim/claim.h"

/* Ranks of pods that are not Ready come after those of all that are: milliseconds since 1970 stay
 * far below. */
#define RANK_NOT_READY ((int64_t)1 << 60)

/* Adds "<a>/<b>", or "<a>/<b>/<c>" when c is not NULL; one too long to be looked for is left out.
 */
static void add(struct asb_values *out, int64_t rank, const char *a, const char *b, const char *c)
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
		add(out, 0, asb_ns(object), name, NULL);
	}
}

const char *warm_pod_pool(struct json_object *pod)
{
	struct json_object *owner = asb_controller(pod, NULL);
	const char *phase = asb_str(pod, "status", "phase");

	/* The pool's label is not asked: anybody can write one. */
	if (owner == NULL || !asb_owner_is(owner, &claim_pool_kind) || asb_deleting(pod) ||
	    asb_streq(phase, "Failed") || asb_streq(phase, "Succeeded")) {
		return NULL;
	}
	return asb_str(owner, "uid");
}

int64_t warm_pod_rank(struct json_object *pod)
{
	int64_t created = 0, since = 0;

	(void)asb_time_parse(asb_str(pod, "metadata", "creationTimestamp"), &created);
	if (!asb_condition_is(pod, "Ready", "True")) {
		return RANK_NOT_READY + created;
	}
	return asb_time_parse(asb_str(asb_condition(pod, "Ready"), "lastTransitionTime"), &since)
		       ? since
		       : created;
}

void index_warm_pods(struct json_object *pod, struct asb_values *out)
{
	const char *pool = warm_pod_pool(pod), *hash;
	int64_t rank;

	if (pool == NULL) {
		return;
	}
	rank = warm_pod_rank(pod);
	hash = asb_annotation(pod, ANNOTATION_POD_TEMPLATE_HASH);
	add(out, rank, asb_ns(pod), pool, NULL);
	/* A pod without the annotation is one of the Go controller's: it counts as current. */
	add(out, rank, asb_ns(pod), pool, hash != NULL ? hash : "");
}

void index_named_pods(struct json_object *sandbox, struct asb_values *out)
{
	struct json_object *owner = asb_controller(sandbox, NULL);
	const char *pod = asb_annotation(sandbox, ANNOTATION_POD_NAME);

	if (owner != NULL && asb_owner_is(owner, &claim_kind) && pod != NULL && *pod != '\0') {
		add(out, 0, asb_ns(sandbox), pod, NULL);
	}
}

void index_claims_by_uid(struct json_object *claim, struct asb_values *out)
{
	const char *uid = asb_uid(claim);

	if (uid != NULL) {
		add(out, 0, asb_ns(claim), uid, NULL);
	}
}

void index_orphans(struct json_object *pod, struct asb_values *out)
{
	if (orphan_is(pod)) {
		add(out, 0, asb_ns(pod), asb_label(pod, LABEL_NAME_HASH), NULL);
	}
}

void map_policy(void *state, struct asb_call *call, struct json_object *before,
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
