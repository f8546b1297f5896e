/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config maps and secrets through the node's source. Called by volumes and by the
 * environment, which want the same errors. */
#include "config.h"

#include "node/env/objects.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"

static const char *objects_singular(const char *resource)
{
	static const char *const names[][2] = {
		{ "configmaps", "configmap" },
		{ "secrets", "secret" },
		{ "persistentvolumeclaims", "persistentvolumeclaim" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(resource, names[i][0]) == 0) {
			return names[i][1];
		}
	}
	return resource;
}

int object_get(const struct volume_source *source, const char *resource, const char *ns,
	       const char *name, bool optional, struct json_object **ret, struct error *reterr)
{
	struct error error = { 0 };
	struct json_object *object = NULL;
	int code;

	if (name == NULL || *name == '\0') {
		return error_set(reterr, -EINVAL, "a %s is referred to without a name",
				 objects_singular(resource));
	}
	code = source->get(source->arg, resource, ns, name, &object, &error);
	if (code == -ENOENT && optional) {
		*ret = NULL;
		return 0;
	}
	if (code == -ENOENT) {
		return error_set(reterr, -EAGAIN, "%s \"%s\" not found", objects_singular(resource),
				 name);
	}
	if (code < 0) {
		return error_set(reterr, code, "couldn't get %s \"%s/%s\": %s",
				 objects_singular(resource), ns, name, error.text);
	}
	*ret = object;
	return 0;
}

static int objects_append_base64(struct json_object *value, struct buf *out)
{
	return base64_decode(json_object_get_string(value),
			     (size_t)json_object_get_string_len(value), out);
}

int object_value(struct json_object *object, const char *resource, const char *key, struct buf *out)
{
	struct json_object *data = asb_at(object, "data", key);
	struct json_object *binary = asb_at(object, "binaryData", key);
	bool secret = strcmp(resource, "secrets") == 0;

	if (asb_as_str(data) != NULL && !secret) {
		return buf_append(out, json_object_get_string(data),
				  (size_t)json_object_get_string_len(data));
	}
	if (asb_as_str(data) != NULL) {
		return objects_append_base64(data, out);
	}
	if (asb_as_str(binary) != NULL && !secret) {
		return objects_append_base64(binary, out);
	}
	return -ENOENT;
}

static int objects_keys_of(struct json_object *values, int (*each)(void *arg, const char *key),
			   void *arg)
{
	if (!json_object_is_type(values, json_type_object)) {
		return 0;
	}
	json_object_object_foreach (values, key, value) {
		int code = asb_as_str(value) != NULL ? each(arg, key) : 0;

		if (code != 0) {
			return code;
		}
	}
	return 0;
}

int object_keys(struct json_object *object, bool binary, int (*each)(void *arg, const char *key),
		void *arg)
{
	int code = objects_keys_of(asb_at(object, "data"), each, arg);

	if (code == 0 && binary) {
		code = objects_keys_of(asb_at(object, "binaryData"), each, arg);
	}
	return code;
}
