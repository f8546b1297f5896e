/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds: the built-in ones, and those that stored CustomResourceDefinitions add. The API
 * server makes it and tells it what was stored. */
#include "config.h"

#include "apiserver/types/types.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/memory.h"

struct types *types_create(const struct types_callbacks *callbacks)
{
	struct types *types = xnew(struct types);

	types->callbacks = *callbacks;
	types->builtin = types_builtin(&types->builtin_count);
	return types;
}

void types_destroy(struct types *types)
{
	if (types != NULL) {
		crd_finish(types);
		free(types);
	}
}

static bool types_is_crd(const struct type *type)
{
	return strcmp(type->kind.kind, "CustomResourceDefinition") == 0 && !type->custom;
}

static bool types_is_service(const struct type *type)
{
	return strcmp(type->kind.kind, "Service") == 0 && *type->kind.group == '\0';
}

void types_stored(struct types *types, const struct type *type, struct json_object *object)
{
	if (types_is_crd(type)) {
		crd_stored(types, object);
	} else if (types_is_service(type)) {
		service_stored(types, object);
	}
}

void types_removed(struct types *types, const struct type *type, struct json_object *object)
{
	if (types_is_crd(type)) {
		crd_removed(types, asb_name(object));
	} else if (types_is_service(type)) {
		service_removed(types, object);
	}
}
