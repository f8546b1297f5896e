/* SPDX-License-Identifier: Apache-2.0 */
/* Turns CustomResourceDefinitions into served kinds and keeps those. The table of kinds calls it
 * when one was stored or removed, and before one is stored, for its defaults and status. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/jsonpath.h"
#include "apiserver/types/types-private.h"
#include "base/json.h"
#include "base/memory.h"

#define SUBRESOURCES_MAX 3 /* status, scale, the end */

/* One served version of one CRD. All strings are ours. */
struct custom {
	struct type type; /* first: type_hold finds the rest by it */
	size_t holds;     /* by the list, and by type_hold */
	struct type_subresource subresources[SUBRESOURCES_MAX];
	struct type_column *columns;
	size_t column_count;
	struct json_object *spec; /* keeps the strings that the type borrows */
	char *crd, *warning;
	const char **short_names, **categories;
};

/* ---- building ---- */

static void custom_destroy(struct custom *custom)
{
	for (size_t i = 0; i < custom->column_count; i++) {
		jsonpath_destroy((struct jsonpath *)(uintptr_t)custom->columns[i].path);
	}
	free(custom->columns);
	schema_destroy(custom->type.schema);
	json_object_put(custom->spec);
	free(custom->crd);
	free(custom->warning);
	free(custom->short_names);
	free(custom->categories);
	free(custom);
}

/* The strings of an array, borrowed, ending in NULL; NULL for none. */
static const char **crd_names_of(struct json_object *array)
{
	size_t length = asb_length(array), count = 0;
	const char **names;

	if (length == 0) {
		return NULL;
	}
	names = xnew_array(const char *, length + 1);
	for (size_t i = 0; i < length; i++) {
		const char *text = asb_as_str(json_object_array_get_idx(array, i));

		if (text != NULL) {
			names[count++] = text;
		}
	}
	return names;
}

static const char *crd_text_or(const char *text, const char *fallback)
{
	return text != NULL ? text : fallback;
}

static void crd_add_subresources(struct custom *custom, struct json_object *version)
{
	static const uint32_t verbs = TYPE_GET | TYPE_PATCH | TYPE_UPDATE;
	struct json_object *scale = asb_at(version, "subresources", "scale");
	size_t count = 0;

	if (asb_at(version, "subresources", "status") != NULL) {
		custom->subresources[count++] =
			(struct type_subresource){ .name = "status", .verbs = verbs };
	}
	if (scale != NULL) {
		custom->subresources[count++] = (struct type_subresource){
			.name = "scale",
			.group = "autoscaling",
			.version = "v1",
			.kind = "Scale",
			.verbs = verbs,
		};
		custom->type.spec_replicas = asb_str(scale, "specReplicasPath");
		custom->type.status_replicas = asb_str(scale, "statusReplicasPath");
		custom->type.label_selector = asb_str(scale, "labelSelectorPath");
	}
	custom->type.subresources = count > 0 ? custom->subresources : NULL;
}

/* Name first, then what the CRD says, or the age. */
static void crd_add_columns(struct custom *custom, struct json_object *version)
{
	struct json_object *list = asb_array(version, "additionalPrinterColumns");
	size_t length = asb_length(list);

	custom->columns = xnew_array(struct type_column, length + 3);
	custom->columns[custom->column_count++] =
		(struct type_column){ "Name", "string", "name", "The object's name.", 0, NULL };
	for (size_t i = 0; i < length; i++) {
		struct json_object *column = json_object_array_get_idx(list, i);

		custom->columns[custom->column_count++] = (struct type_column){
			.name = crd_text_or(asb_str(column, "name"), ""),
			.type = crd_text_or(asb_str(column, "type"), "string"),
			.format = crd_text_or(asb_str(column, "format"), ""),
			.description = crd_text_or(asb_str(column, "description"),
						   crd_text_or(asb_str(column, "jsonPath"), "")),
			.priority = (int)asb_int(asb_at(column, "priority"), 0),
			.path = jsonpath_parse(crd_text_or(asb_str(column, "jsonPath"), ""), NULL),
		};
	}
	if (length == 0) {
		custom->columns[custom->column_count++] = (struct type_column){
			"Age", "date",
			"",    "Since it was created.",
			0,     jsonpath_parse(".metadata.creationTimestamp", NULL)
		};
	}
	custom->type.columns = custom->columns;
}

static void crd_add_warning(struct custom *custom, struct json_object *version)
{
	const char *text = asb_str(version, "deprecationWarning");

	if (!asb_true(asb_at(version, "deprecated"))) {
		return;
	}
	custom->warning = text != NULL ? xstrdup(text)
				       : xprintf("%s/%s %s is deprecated", custom->type.kind.group,
						 custom->type.kind.version, custom->type.kind.kind);
	custom->type.warning = custom->warning;
}

static const char *crd_storage_version(struct json_object *versions)
{
	for (size_t i = 0; i < asb_length(versions); i++) {
		struct json_object *version = json_object_array_get_idx(versions, i);

		if (asb_true(asb_at(version, "storage"))) {
			return asb_str(version, "name");
		}
	}
	return NULL;
}

/* spec is a copy for all versions of the CRD: it may be large. */
static struct custom *custom_create(struct json_object *crd, struct json_object *spec,
				    size_t position)
{
	struct custom *custom = xnew(struct custom);
	struct json_object *names = asb_at(spec, "names"),
			   *version =
				   json_object_array_get_idx(asb_array(spec, "versions"), position);
	struct type *type = &custom->type;

	custom->holds = 1;
	custom->spec = json_object_get(spec);
	custom->crd = xstrdup(asb_name(crd));
	custom->short_names = crd_names_of(asb_at(names, "shortNames"));
	custom->categories = crd_names_of(asb_at(names, "categories"));
	*type = (struct type){
		.kind = { crd_text_or(asb_str(spec, "group"), ""),
			  crd_text_or(asb_str(version, "name"), ""),
			  crd_text_or(asb_str(names, "plural"), ""),
			  crd_text_or(asb_str(names, "kind"), "") },
		.singular = crd_text_or(asb_str(names, "singular"), ""),
		.list_kind = crd_text_or(asb_str(names, "listKind"), "List"),
		.short_names = (const char *const *)custom->short_names,
		.categories = (const char *const *)custom->categories,
		.namespaced = !asb_streq(asb_str(spec, "scope"), "Cluster"),
		.custom = true,
		.verbs = TYPE_VERBS_ALL,
		.storage_group = crd_text_or(asb_str(spec, "group"), ""),
		.storage_version =
			crd_text_or(crd_storage_version(asb_array(spec, "versions")), ""),
		.openapi = asb_at(version, "schema", "openAPIV3Schema"),
		.crd = custom->crd,
	};
	/* A schema that cannot be compiled was refused, or is of an older program: it then prunes and
	 * checks nothing. */
	type->schema = type->openapi != NULL ? schema_compile(type->openapi, NULL) : NULL;
	crd_add_subresources(custom, version);
	crd_add_columns(custom, version);
	crd_add_warning(custom, version);
	return custom;
}

static void custom_release(struct custom *custom)
{
	if (--custom->holds == 0) {
		custom_destroy(custom);
	}
}

const struct type *type_hold(const struct type *type)
{
	if (type != NULL && type->custom) {
		((struct custom *)(uintptr_t)type)->holds++;
	}
	return type;
}

void type_release(const struct type *type)
{
	if (type != NULL && type->custom) {
		custom_release((struct custom *)(uintptr_t)type);
	}
}

/* ---- the list ---- */

static int crd_compare(const struct type *a, const struct type *b)
{
	int order = strcmp(a->kind.group, b->kind.group);

	order = order != 0 ? order : strcmp(a->kind.version, b->kind.version);
	return order != 0 ? order : strcmp(a->kind.plural, b->kind.plural);
}

static void crd_insert(struct types *types, struct custom *custom)
{
	size_t place = 0;

	while (place < types->custom_count &&
	       crd_compare(&types->customs[place]->type, &custom->type) < 0) {
		place++;
	}
	types->customs = xrealloc(types->customs, (types->custom_count + 1) * sizeof(custom));
	memmove(types->customs + place + 1, types->customs + place,
		(types->custom_count - place) * sizeof(custom));
	types->customs[place] = custom;
	types->custom_count++;
}

void crd_removed(struct types *types, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < types->custom_count; i++) {
		struct custom *custom = types->customs[i];

		if (asb_streq(custom->crd, name)) {
			custom_release(custom);
		} else {
			types->customs[kept++] = custom;
		}
	}
	types->custom_count = kept;
}

void crd_stored(struct types *types, struct json_object *crd)
{
	struct json_object *versions = asb_array(crd, "spec", "versions");
	CLEANUP_JSON struct json_object *spec = NULL;

	crd_removed(types, asb_name(crd));
	if (!asb_condition_is(crd, "Established", "True")) {
		return;
	}
	spec = asb_copy(asb_at(crd, "spec"));
	for (size_t i = 0; i < asb_length(versions); i++) {
		if (asb_true(asb_at(json_object_array_get_idx(versions, i), "served"))) {
			crd_insert(types, custom_create(crd, spec, i));
		}
	}
}

void crd_finish(struct types *types)
{
	for (size_t i = 0; i < types->custom_count; i++) {
		custom_release(types->customs[i]);
	}
	free(types->customs);
}

const struct type *crd_type(const struct types *types, size_t position)
{
	return position < types->custom_count ? &types->customs[position]->type : NULL;
}
