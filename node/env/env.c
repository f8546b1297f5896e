/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a container's environment from its pod, config maps and secrets, and expands its command
 * line. Called by the node before it starts a container. */
#include "config.h"

#include "node/env/env.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "node/env/expand.h"
#include "node/env/objects.h"

/* All of an environment: a kernel takes some 2 MiB of it and of arguments (ARG_MAX). */
#define ENV_MAX (1024 * 1024)

struct variable {
	char *name;
	char *value;
};

/* What is being made. Order is that of the first mention. */
struct env {
	struct json_object *pod, *container;
	const struct env_facts *facts;
	const struct volume_source *source;
	const char *ns;
	struct variable **items;
	size_t count;
	size_t bytes;
	struct map by_name;
	/* While one envFrom is read. */
	struct json_object *from;
	const char *resource, *prefix;
	struct error *reterr;
};

static void env_finish(struct env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		free(env->items[i]->name);
		free(env->items[i]->value);
		free(env->items[i]);
	}
	free(env->items);
	map_finish(&env->by_name);
}

/* Printable ASCII without "=", which is what Kubernetes takes since 1.34. */
static bool env_is_name(const char *name)
{
	const char *at = name;

	while (*at >= ' ' && *at <= '~' && *at != '=') {
		at++;
	}
	return at > name && *at == '\0';
}

static int env_set(struct env *env, const char *name, char *take_value)
{
	struct variable *variable = map_get(&env->by_name, name);

	env->bytes += strlen(name) + strlen(take_value) + 2;
	if (env->bytes > ENV_MAX) {
		free(take_value);
		return error_set(env->reterr, -EINVAL,
				 "the environment is larger than %d bytes, at variable '%.100s'",
				 ENV_MAX, name);
	}
	if (variable != NULL) {
		env->bytes -= strlen(name) + strlen(variable->value) + 2;
		free(variable->value);
		variable->value = take_value;
		return 0;
	}
	variable = xnew(struct variable);
	variable->name = xstrdup(name);
	variable->value = take_value;
	env->items = xrealloc(env->items, (env->count + 1) * sizeof(struct variable *));
	env->items[env->count++] = variable;
	map_put(&env->by_name, variable->name, variable);
	return 0;
}

/* A value of data: a kubelet ignores binaryData here. *ret is NULL where there is no such key. */
static int env_value_of(struct env *env, struct json_object *object, const char *resource,
			const char *key, char **ret)
{
	CLEANUP_BUF struct buf value = BUF_INIT(OBJECT_VALUE_MAX);
	int code;

	*ret = NULL;
	if (asb_str(object, "data", key) == NULL) {
		return 0;
	}
	code = object_value(object, resource, key, &value);
	if (code < 0 || (value.length > 0 && memchr(value.data, '\0', value.length) != NULL)) {
		return error_set(env->reterr, -EAGAIN,
				 "key %.200s of %s %s/%s cannot be in an environment: %s", key,
				 resource, env->ns, asb_name(object),
				 code == -ENOSPC ? "it is too large"
				 : code < 0      ? "it is not valid base64"
						 : "it has a NUL byte");
	}
	*ret = buf_take(&value);
	return 0;
}

static int env_add_from(void *arg, const char *key)
{
	struct env *env = arg;
	CLEANUP_FREE char *name = xprintf("%s%s", env->prefix, key);
	char *value = NULL;
	int code;

	/* A kubelet leaves such a key out and starts the container all the same. */
	if (!env_is_name(name)) {
		return 0;
	}
	code = env_value_of(env, env->from, env->resource, key, &value);
	return code < 0 || value == NULL ? code : env_set(env, name, value);
}

static int env_add_env_from(struct env *env, struct json_object *entry)
{
	struct json_object *ref = asb_at(entry, "configMapRef");
	const char *prefix = asb_str(entry, "prefix");
	struct json_object *object = NULL;
	int code;

	env->resource = "configmaps";
	if (ref == NULL) {
		ref = asb_at(entry, "secretRef");
		env->resource = "secrets";
	}
	if (ref == NULL) {
		return 0;
	}
	code = object_get(env->source, env->resource, env->ns, asb_str(ref, "name"),
			  asb_true(asb_at(ref, "optional")), &object, env->reterr);
	if (code < 0 || object == NULL) {
		return code;
	}
	env->from = object;
	env->prefix = prefix != NULL ? prefix : "";
	code = object_keys(object, false, env_add_from, env);
	env->from = NULL;
	json_object_put(object);
	return code;
}

/* configMapKeyRef and secretKeyRef. *ret is NULL where the reference is optional. */
static int env_value_from_key(struct env *env, struct json_object *ref, const char *resource,
			      char **ret)
{
	bool optional = asb_true(asb_at(ref, "optional"));
	const char *name = asb_str(ref, "name"), *key = asb_str(ref, "key");
	CLEANUP_JSON struct json_object *object = NULL;
	int code;

	code = object_get(env->source, resource, env->ns, name, optional, &object, env->reterr);
	if (code < 0 || object == NULL) {
		return code;
	}
	code = env_value_of(env, object, resource, key != NULL ? key : "", ret);
	if (code < 0 || *ret != NULL || optional) {
		return code;
	}
	return error_set(env->reterr, -EAGAIN, "couldn't find key %.200s in %s %s/%s",
			 key != NULL ? key : "''",
			 strcmp(resource, "secrets") == 0 ? "Secret" : "ConfigMap", env->ns, name);
}

static int env_value_from(struct env *env, struct json_object *from, char **ret)
{
	const char *path = asb_str(from, "fieldRef", "fieldPath");
	struct json_object *ref;

	if (asb_at(from, "fieldRef") != NULL) {
		return env_field(env->pod, path != NULL ? path : "", env->facts, ret, env->reterr);
	}
	if ((ref = asb_at(from, "resourceFieldRef")) != NULL) {
		return env_resource(env->pod, env->container, ref, ret, env->reterr);
	}
	if ((ref = asb_at(from, "configMapKeyRef")) != NULL) {
		return env_value_from_key(env, ref, "configmaps", ret);
	}
	if ((ref = asb_at(from, "secretKeyRef")) != NULL) {
		return env_value_from_key(env, ref, "secrets", ret);
	}
	return error_set(
		env->reterr, -EINVAL,
		"this node has no such valueFrom: use fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef");
}

static const char *env_lookup_made(void *arg, const char *name, size_t length)
{
	struct env *env = arg;
	CLEANUP_FREE char *key = xstrndup(name, length);
	struct variable *variable = map_get(&env->by_name, key);

	return variable != NULL ? variable->value : NULL;
}

static int env_add_entry(struct env *env, struct json_object *entry)
{
	const char *name = asb_str(entry, "name"), *text = asb_str(entry, "value");
	CLEANUP_BUF struct buf value = BUF_INIT(ENV_MAX);
	struct json_object *from = asb_at(entry, "valueFrom");
	char *found = NULL;
	int code;

	if (name == NULL || !env_is_name(name)) {
		return error_set(
			env->reterr, -EINVAL,
			"'%.100s' cannot be a variable: its name must be printable characters without '='",
			name != NULL ? name : "");
	}
	if (from != NULL && (text == NULL || *text == '\0')) {
		code = env_value_from(env, from, &found);
		if (code < 0) {
			return error_prefix(env->reterr, "variable '%.100s'", name);
		}
		return found != NULL ? env_set(env, name, found) : 0;
	}
	if (env_expand_text(text != NULL ? text : "", env_lookup_made, env, &value) < 0) {
		return error_set(env->reterr, -EINVAL,
				 "variable '%.100s' is larger than %d bytes once expanded", name,
				 ENV_MAX);
	}
	return env_set(env, name, buf_take(&value));
}

static char **env_take_strings(struct env *env)
{
	char **strings = xnew_array(char *, env->count + 1);

	for (size_t i = 0; i < env->count; i++) {
		strings[i] = xprintf("%s=%s", env->items[i]->name, env->items[i]->value);
	}
	return strings;
}

int env_make(struct json_object *pod, struct json_object *container, const struct env_facts *facts,
	     const struct volume_source *source, char ***ret, struct error *reterr)
{
	static const struct env_facts nothing = { 0 };
	struct json_object *from = asb_array(container, "envFrom");
	struct json_object *list = asb_array(container, "env");
	struct error unheard = { 0 };
	CLEANUP(env_finish)
	struct env env = {
		.pod = pod,
		.container = container,
		.facts = facts != NULL ? facts : &nothing,
		.source = source,
		.ns = asb_ns(pod),
		.by_name = MAP_INIT,
		.reterr = reterr != NULL ? reterr : &unheard,
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < asb_length(from); i++) {
		code = env_add_env_from(&env, json_object_array_get_idx(from, i));
	}
	for (size_t i = 0; code == 0 && i < asb_length(list); i++) {
		code = env_add_entry(&env, json_object_array_get_idx(list, i));
	}
	if (code == 0) {
		*ret = env_take_strings(&env);
	}
	return code;
}

static const char *env_lookup_strings(void *arg, const char *name, size_t length)
{
	const char *found = NULL;

	for (const char *const *env = arg; env != NULL && *env != NULL; env++) {
		if (strncmp(*env, name, length) == 0 && (*env)[length] == '=') {
			found = *env + length + 1;
		}
	}
	return found;
}

char *env_expand_string(const char *text, const char *const *env)
{
	CLEANUP_BUF struct buf out = BUF_INIT(ENV_MAX);

	/* Too large to be passed to any process: unexpanded, it fails with a plainer error. */
	if (env_expand_text(text, env_lookup_strings, (void *)(uintptr_t)env, &out) < 0) {
		return xstrdup(text);
	}
	return buf_take(&out);
}

char **env_expand(struct json_object *array, const char *const *env)
{
	size_t count = asb_length(array);
	char **strings = NULL;

	if (count == 0) {
		return NULL;
	}
	strings = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *text = asb_as_str(json_object_array_get_idx(array, i));

		strings[i] = env_expand_string(text != NULL ? text : "", env);
	}
	return strings;
}

void strings_finish(char **strings)
{
	for (char **at = strings; at != NULL && *at != NULL; at++) {
		free(*at);
	}
	free(strings);
}
