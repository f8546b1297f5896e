/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes the replicas of objects through their Scale. Requests for /scale come here. */
#include "config.h"

#include "apiserver/requests/scale.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/refusal.h"
#include "base/json.h"

#define NAME_LENGTH 128

/* The next name of a path like ".spec.replicas"; false at its end. */
static bool scale_next_name(const char **path, char ret[NAME_LENGTH])
{
	size_t length;

	*path += **path == '.' ? 1 : 0;
	length = strcspn(*path, ".");
	if (length == 0 || length >= NAME_LENGTH) {
		return false;
	}
	memcpy(ret, *path, length);
	ret[length] = '\0';
	*path += length;
	return true;
}

struct json_object *scale_at(struct json_object *object, const char *path)
{
	char name[NAME_LENGTH];

	while (path != NULL && object != NULL && scale_next_name(&path, name)) {
		object = asb_at(object, name);
	}
	return path != NULL ? object : NULL;
}

struct json_object *scale_of(const struct objects_resource *options, struct json_object *object)
{
	static const char *const kept[] = { "name", "namespace", "uid", "resourceVersion",
					    "creationTimestamp" };
	struct json_object *scale, *metadata, *part;
	const char *selector;

	if (options->scale_spec == NULL) {
		return NULL;
	}
	scale = json_object_new_object();
	asb_set_str(scale, "kind", "Scale");
	asb_set_str(scale, "apiVersion", "autoscaling/v1");
	metadata = asb_object_in(scale, "metadata");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *value = asb_str(object, "metadata", kept[i]);

		if (value != NULL) {
			asb_set_str(metadata, kept[i], value);
		}
	}
	part = asb_object_in(scale, "spec");
	json_object_object_add(
		part, "replicas",
		json_object_new_int64(asb_int(scale_at(object, options->scale_spec), 0)));
	part = asb_object_in(scale, "status");
	json_object_object_add(
		part, "replicas",
		json_object_new_int64(asb_int(scale_at(object, options->scale_status), 0)));
	selector = asb_as_str(scale_at(object, options->scale_selector));
	if (selector != NULL && *selector != '\0') {
		asb_set_str(part, "selector", selector);
	}
	return scale;
}

int scale_apply(const struct objects_resource *options, struct json_object *object,
		struct json_object *scale, struct json_object **ret, struct error *reterr)
{
	const char *path = options->scale_spec;
	struct json_object *version = asb_at(scale, "metadata", "resourceVersion");
	struct json_object *replicas = asb_at(scale, "spec", "replicas"), *copy, *place;
	char name[NAME_LENGTH];

	if (path == NULL) {
		return refusal_not_found(NULL, "", reterr);
	}
	if (replicas != NULL &&
	    (!json_object_is_type(replicas, json_type_int) || json_object_get_int64(replicas) < 0 ||
	     json_object_get_int64(replicas) > INT32_MAX)) {
		return objects_fail(
			reterr, 422,
			"Scale.autoscaling \"%.253s\" is invalid: spec.replicas: Invalid value: must be greater than or equal to 0",
			asb_name(object));
	}
	copy = asb_copy(object);
	place = copy;
	while (scale_next_name(&path, name) && *path != '\0') {
		place = asb_object_in(place, name);
	}
	json_object_object_add(place, name,
			       replicas != NULL ? json_object_get(replicas)
						: json_object_new_int64(0));
	/* Without one the write is unconditional. */
	if (json_object_is_type(version, json_type_string) &&
	    json_object_get_string_len(version) > 0) {
		metadata_set(copy, "resourceVersion", json_object_get(version));
	} else {
		json_object_object_del(asb_at(copy, "metadata"), "resourceVersion");
	}
	*ret = copy;
	return 0;
}
