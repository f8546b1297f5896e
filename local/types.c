/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds: finds the built-in ones and those of CustomResourceDefinitions, and learns
 * what was stored. The API server asks it for every request. */
#include "config.h"

#include "local/types.h"

#include "base/memory.h"
#include "base/number.h"
#include "local/types-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

struct types *types_create(const struct types_world *world)
{
	struct types *types = xnew(struct types);

	types->world = *world;
	return types;
}

void types_destroy(struct types *types)
{
	if (types != NULL) {
		crd_finish(types);
		free(types);
	}
}

const struct type *types_nth(const struct types *types, size_t position)
{
	size_t count;
	const struct type *builtin = types_builtin(&count);

	return position < count ? &builtin[position] : crd_type(types, position - count);
}

const struct type *types_find(const struct types *types, const char *group, const char *version,
			      const char *plural)
{
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.plural, plural) == 0 &&
		    strcmp(type->kind.group, group) == 0 &&
		    strcmp(type->kind.version, version) == 0) {
			return type;
		}
	}
	return NULL;
}

const struct type *types_find_kind(const struct types *types, const char *group,
				   const char *version, const char *kind)
{
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.kind, kind) == 0 && strcmp(type->kind.group, group) == 0 &&
		    strcmp(type->kind.version, version) == 0) {
			return type;
		}
	}
	return NULL;
}

const struct type *types_of_crd(const struct types *types, const char *crd, size_t position)
{
	const struct type *type;

	for (size_t i = 0; (type = crd_type(types, i)) != NULL; i++) {
		if (strcmp(type->crd, crd) == 0 && position-- == 0) {
			return type;
		}
	}
	return NULL;
}

const struct type_subresource *type_subresource(const struct type *type, const char *name)
{
	const struct type_subresource *subresource = type->subresources;

	for (; subresource != NULL && subresource->name != NULL; subresource++) {
		if (strcmp(subresource->name, name) == 0) {
			return subresource;
		}
	}
	return NULL;
}

bool type_has_subresource(const struct type *type, const char *name)
{
	return type_subresource(type, name) != NULL;
}

struct json_object *types_get(const struct types *types, const char *group, const char *version,
			      const char *plural, const char *ns, const char *name)
{
	const struct type *type = types_find(types, group, version, plural);

	return type != NULL && types->world.get != NULL
		       ? types->world.get(types->world.arg, type, ns, name)
		       : NULL;
}

static bool is_crd(const struct type *type)
{
	return strcmp(type->kind.kind, "CustomResourceDefinition") == 0 && !type->custom;
}

static bool is_service(const struct type *type)
{
	return strcmp(type->kind.kind, "Service") == 0 && *type->kind.group == '\0';
}

void types_stored(struct types *types, const struct type *type, struct json_object *object)
{
	if (is_crd(type)) {
		crd_stored(types, object);
	} else if (is_service(type)) {
		service_stored(types, object);
	}
}

void types_removed(struct types *types, const struct type *type, struct json_object *object)
{
	if (is_crd(type)) {
		crd_removed(types, asb_name(object));
	} else if (is_service(type)) {
		service_removed(types, object);
	}
}

/* ---- scale ---- */

#define PATH_NAME_MAX 128

/* The value at a path as CRDs write them (".spec.replicas"), or NULL. *ret_parent and last, which
 * may be NULL, tell where it is to be set. */
static struct json_object *at_path(struct json_object *object, const char *path,
				   struct json_object **ret_parent, char last[PATH_NAME_MAX])
{
	struct json_object *value = object;
	char name[PATH_NAME_MAX];

	while (path != NULL && *path == '.' && value != NULL) {
		size_t length = strcspn(++path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		path += length;
		if (*path == '\0' && ret_parent != NULL) {
			*ret_parent = value;
			memcpy(last, name, sizeof(name));
		}
		value = asb_at(value, name);
	}
	return value;
}

struct json_object *type_scale(const struct type *type, struct json_object *object)
{
	static const char *const kept[] = { "name", "namespace", "uid", "resourceVersion",
					    "creationTimestamp" };
	struct json_object *scale, *metadata, *selector;

	if (type->spec_replicas == NULL) {
		return NULL;
	}
	scale = json_object_new_object();
	asb_set_str(scale, "kind", "Scale");
	asb_set_str(scale, "apiVersion", "autoscaling/v1");
	metadata = asb_object_in(scale, "metadata");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		asb_set_str(metadata, kept[i], asb_str(object, "metadata", kept[i]));
	}
	json_object_object_add(asb_object_in(scale, "spec"), "replicas",
			       json_object_new_int64(asb_int(
				       at_path(object, type->spec_replicas, NULL, NULL), 0)));
	json_object_object_add(asb_object_in(scale, "status"), "replicas",
			       json_object_new_int64(asb_int(
				       at_path(object, type->status_replicas, NULL, NULL), 0)));
	selector = at_path(object, type->label_selector, NULL, NULL);
	if (type->label_selector != NULL && asb_as_str(selector) != NULL) {
		asb_set_str(asb_object_in(scale, "status"), "selector", asb_as_str(selector));
	}
	return scale;
}

int type_set_scale(const struct type *type, struct json_object *object, struct json_object *scale,
		   struct error *reterr)
{
	struct json_object *replicas = asb_at(scale, "spec", "replicas"), *parent = NULL;
	char last[PATH_NAME_MAX];

	if (type->spec_replicas == NULL) {
		return error_set(reterr, -ENOENT, "%s has no scale", type->kind.plural);
	}
	if (replicas != NULL && !json_object_is_type(replicas, json_type_int)) {
		return error_set(reterr, -EINVAL, "spec.replicas must be an integer");
	}
	if (asb_int(replicas, 0) < 0) {
		return error_set(reterr, -EINVAL,
				 "spec.replicas: Invalid value: %lld: must be greater than or "
				 "equal to 0",
				 (long long)asb_int(replicas, 0));
	}
	asb_object_in(object, "spec");
	at_path(object, type->spec_replicas, &parent, last);
	if (!json_object_is_type(parent, json_type_object)) {
		return error_set(reterr, -EINVAL, "there is no object that could hold %s",
				 type->spec_replicas);
	}
	json_object_object_add(parent, last, json_object_new_int64(asb_int(replicas, 0)));
	return 0;
}
