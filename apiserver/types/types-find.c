/* SPDX-License-Identifier: Apache-2.0 */
/* Finding types, their subresources, and other objects. The API server and the hooks of the kinds call
 * it. */
#include "config.h"

#include <string.h>

#include "apiserver/types/types-private.h"

const struct type *types_nth(const struct types *types, size_t position)
{
	return position < types->builtin_count ? &types->builtin[position]
					       : crd_type(types, position - types->builtin_count);
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

	return type != NULL && types->callbacks.get != NULL
		       ? types->callbacks.get(types->callbacks.arg, type, ns, name)
		       : NULL;
}
