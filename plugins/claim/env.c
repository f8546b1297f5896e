/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment variables that a claim of v1beta1 adds to the containers of its pod. Names are
 * looked up in hashed maps: a claim may have tens of thousands of variables. Called by beta.c.
 */
#include "config.h"

#include "plugins/claim/additions.h"

#define INJECTION "environment variable injection rejected: "

/* One container that variables are added to. */
struct env_target {
	struct json_object *container;
	struct json_object *list;      /* its env */
	struct json_object *positions; /* the position of each name in list */
	struct json_object *own;       /* the names that the template has */
};

/* The container of this name, among containers and init containers; NULL name: the first one. */
static struct json_object *env_container(struct json_object *pod_spec, const char *name)
{
	static const char *const lists[] = { "containers", "initContainers" };

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		struct json_object *list = asb_array(pod_spec, lists[l]);

		for (size_t i = 0; i < asb_length(list); i++) {
			struct json_object *container = json_object_array_get_idx(list, i);

			if (name == NULL || *name == '\0' ||
			    asb_streq(asb_str(container, "name"), name)) {
				return container;
			}
		}
	}
	return NULL;
}

static struct env_target env_target_of(struct json_object *container)
{
	struct env_target target = {
		.container = container,
		.list = asb_array(container, "env"),
		.positions = json_object_new_object(),
		.own = json_object_new_object(),
	};

	if (target.list == NULL) {
		target.list = json_object_new_array();
		json_object_object_add(container, "env", target.list);
	}
	for (size_t i = 0; i < asb_length(target.list); i++) {
		const char *name = asb_str(json_object_array_get_idx(target.list, i), "name");

		if (name != NULL) {
			json_object_object_add(target.positions, name,
					       json_object_new_int64((int64_t)i));
			json_object_object_add(target.own, name, NULL);
		}
	}
	return target;
}

static void env_target_finish(struct env_target *target)
{
	json_object_put(target->positions);
	json_object_put(target->own);
}

/* The last of several variables of one name counts, as in a container. */
static void env_set(struct env_target *target, const char *name, struct json_object *variable)
{
	struct json_object *made = json_object_new_object(), *position = NULL;

	asb_set_str(made, "name", name);
	json_object_object_add(made, "value", asb_copy(asb_at(variable, "value")));
	if (json_object_object_get_ex(target->positions, name, &position)) {
		json_object_array_put_idx(target->list, (size_t)json_object_get_int64(position),
					  made);
		return;
	}
	json_object_object_add(target->positions, name,
			       json_object_new_int64((int64_t)asb_length(target->list)));
	json_object_array_add(target->list, made);
}

/* With Allowed nothing that the template gives may change, whether the template lists it or takes it
 * from a ConfigMap or Secret. */
static bool env_may_add(const struct env_target *target, const char *name, struct refusal *ret)
{
	const char *container = asb_str(target->container, "name");

	if (asb_length(asb_array(target->container, "envFrom")) > 0) {
		return refusal_set(
			ret, REASON_ENV,
			INJECTION
			"container \"%.63s\" uses EnvFrom sources; Allowed policy cannot safely prevent overriding EnvFrom-provided variables",
			container != NULL ? container : "");
	}
	if (json_object_object_get_ex(target->own, name, NULL)) {
		return refusal_set(
			ret, REASON_ERROR,
			"environment variable override is not allowed by the template policy for variable \"%.253s\"",
			name);
	}
	return true;
}

/* Adds the variables of one container, from the first one that names it on. */
static bool env_apply_to(struct json_object *env, size_t first, struct json_object *pod_spec,
			 bool overrides, struct json_object *done, struct refusal *ret)
{
	const char *wanted = asb_str(json_object_array_get_idx(env, first), "containerName");
	struct json_object *container = env_container(pod_spec, wanted);
	struct env_target target;
	bool good = true;

	if (container == NULL) {
		const char *name = asb_str(json_object_array_get_idx(env, first), "name");

		return refusal_set(
			ret, REASON_ERROR,
			"target container \"%.253s\" not found in template for environment variable \"%.253s\"",
			wanted != NULL ? wanted : "", name != NULL ? name : "");
	}
	json_object_object_add(done, wanted != NULL ? wanted : "", NULL);
	target = env_target_of(container);
	for (size_t i = first; i < asb_length(env) && good; i++) {
		struct json_object *variable = json_object_array_get_idx(env, i);
		const char *name = asb_str(variable, "name"),
			   *of = asb_str(variable, "containerName");

		if (name == NULL ||
		    strcmp(of != NULL ? of : "", wanted != NULL ? wanted : "") != 0) {
			continue;
		}
		good = overrides || env_may_add(&target, name, ret);
		if (good) {
			env_set(&target, name, variable);
		}
	}
	env_target_finish(&target);
	return good;
}

bool env_apply(struct json_object *env, const char *policy, struct json_object *pod_spec,
	       struct refusal *ret)
{
	bool overrides = asb_streq(policy, "Overrides"), good = true;
	struct json_object *done;

	if (asb_length(env) == 0) {
		return true;
	}
	if (!overrides && !asb_streq(policy, "Allowed")) {
		return refusal_set(
			ret, REASON_ENV, "%s",
			INJECTION
			"environment variable injection is not allowed by the template policy");
	}
	/* Each container once, however many variables it gets. A pod has few containers, and a name
	 * that it does not have ends the loop. */
	done = json_object_new_object();
	for (size_t i = 0; i < asb_length(env) && good; i++) {
		const char *of = asb_str(json_object_array_get_idx(env, i), "containerName");

		if (!json_object_object_get_ex(done, of != NULL ? of : "", NULL)) {
			good = env_apply_to(env, i, pod_spec, overrides, done, ret);
		}
	}
	json_object_put(done);
	return good;
}
