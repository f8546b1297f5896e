/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds: finds the built-in ones and those of CustomResourceDefinitions, and learns
 * what was stored. The API server asks it for every request. */
#include "config.h"

#include "apiserver/types/types.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/memory.h"
#include "base/number.h"

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
