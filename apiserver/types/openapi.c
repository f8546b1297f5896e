/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI documents: an empty v2, and v3 with the schemas of CustomResourceDefinitions and stubs
 * of the built-in kinds. The API server responds with them; kubectl explain reads them. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/discovery.h"
#include "base/hash.h"
#include "base/macros.h"

#define NAME_MAX_LENGTH 640
#define PATH_MAX_LENGTH 1024
#define META "io.k8s.apimachinery.pkg.apis.meta.v1."

/* Document of openapi.v2: 1 swagger "2.0", 2 info {}, 8 paths {}, 9 definitions {}. Each is there, as
 * a client's decoder expects. */
static const unsigned char v2_protobuf[] = {
	0x0a, 3, '2', '.', '0', 0x12, 4, 0x0a, 0, 0x12, 0, 0x42, 0, 0x4a, 0,
};

const void *openapi_v2_protobuf(size_t *ret_length)
{
	*ret_length = sizeof(v2_protobuf);
	return v2_protobuf;
}

struct json_object *openapi_v2(void)
{
	struct json_object *document = json_object_new_object(), *info;

	asb_set_str(document, "swagger", "2.0");
	info = asb_object_in(document, "info");
	asb_set_str(info, "title", "Kubernetes");
	asb_set_str(info, "version", DISCOVERY_VERSION);
	asb_object_in(document, "paths");
	asb_object_in(document, "definitions");
	return document;
}

/* ---- the index ---- */

static void openapi_version_path(const struct type *type, char ret[PATH_MAX_LENGTH])
{
	snprintf(ret, PATH_MAX_LENGTH, "%s%s/%s", *type->kind.group != '\0' ? "apis/" : "api",
		 type->kind.group, type->kind.version);
}

/* A client keeps a document as long as its hash stays: it must change with the schema. */
static uint64_t openapi_hash_of(const struct types *types, const struct type *wanted)
{
	uint64_t hash = hash_text(HASH_START, DISCOVERY_VERSION);
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.group, wanted->kind.group) != 0 ||
		    strcmp(type->kind.version, wanted->kind.version) != 0) {
			continue;
		}
		hash = hash_text(hash, type->kind.kind);
		if (type->openapi != NULL) {
			hash = hash_text(
				hash, json_object_to_json_string_ext(type->openapi,
								     JSON_C_TO_STRING_PLAIN));
		}
	}
	return hash;
}

struct json_object *openapi_v3_index(const struct types *types)
{
	struct json_object *document = json_object_new_object(),
			   *paths = asb_object_in(document, "paths");
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		char path[PATH_MAX_LENGTH], url[PATH_MAX_LENGTH + 64];

		openapi_version_path(type, path);
		if (asb_at(paths, path) == NULL) {
			snprintf(url, sizeof(url), "/openapi/v3/%s?hash=%016llX", path,
				 (unsigned long long)openapi_hash_of(types, type));
			asb_set_str(asb_object_in(paths, path), "serverRelativeURL", url);
		}
	}
	return document;
}

/* ---- schemas ---- */

static struct json_object *openapi_schema_of_type(const char *type, const char *description)
{
	struct json_object *schema = json_object_new_object();

	asb_set_str(schema, "type", type);
	asb_set_str(schema, "description", description);
	return schema;
}

static struct json_object *openapi_reference(const char *name)
{
	struct json_object *schema = json_object_new_object();
	char text[NAME_MAX_LENGTH + 32];

	snprintf(text, sizeof(text), "#/components/schemas/%s", name);
	asb_set_str(schema, "$ref", text);
	return schema;
}

static struct json_object *openapi_documented_reference(const char *name, const char *description)
{
	struct json_object *schema = json_object_new_object(), *all = json_object_new_array();

	asb_set_str(schema, "description", description);
	json_object_array_add(all, openapi_reference(name));
	json_object_object_add(schema, "allOf", all);
	return schema;
}

/* "example.t.v1.Thing": the group backwards. */
static void openapi_schema_name(const struct type *type, char ret[NAME_MAX_LENGTH])
{
	const char *group = type->kind.group, *end = group + strlen(group);
	size_t length = 0;

	if (*group == '\0') {
		length = (size_t)snprintf(ret, NAME_MAX_LENGTH, "io.k8s.api.core.");
	}
	while (end > group) {
		const char *start = end;

		while (start > group && start[-1] != '.') {
			start--;
		}
		length += (size_t)snprintf(ret + length, NAME_MAX_LENGTH - length, "%.*s.",
					   (int)(end - start), start);
		end = start > group ? start - 1 : start;
	}
	snprintf(ret + length, NAME_MAX_LENGTH - length, "%s.%s", type->kind.version,
		 type->kind.kind);
}

static void openapi_add_gvk(struct json_object *schema, const struct type *type, bool list)
{
	struct json_object *array = json_object_new_array(), *gvk = json_object_new_object();

	asb_set_str(gvk, "group", type->kind.group);
	asb_set_str(gvk, "version", type->kind.version);
	asb_set_str(gvk, "kind", list ? type->list_kind : type->kind.kind);
	json_object_array_add(array, gvk);
	json_object_object_add(schema, "x-kubernetes-group-version-kind", array);
}

static void openapi_add_type_meta(struct json_object *properties)
{
	json_object_object_add(
		properties, "apiVersion",
		openapi_schema_of_type("string", "The group and version of the object."));
	json_object_object_add(properties, "kind",
			       openapi_schema_of_type("string", "The kind of the object."));
}

/* What is known of a built-in kind: that it has these parts. */
static struct json_object *openapi_builtin_schema(const struct type *type)
{
	static const struct {
		const char *kind, *members;
	} more[] = {
		{ "ConfigMap", "data,binaryData" },
		{ "Secret", "data,stringData" },
		{ "RuntimeClass", "overhead,scheduling" },
		{ "Event", "involvedObject,source" },
		{ "ServiceAccount", "" },
	};
	struct json_object *schema = openapi_schema_of_type("object", NULL), *properties;
	const char *members = "spec,status";

	asb_set_str(schema, "description",
		    "A built-in kind; its fields are those of Kubernetes and not described here.");
	properties = asb_object_in(schema, "properties");
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		members = strcmp(more[i].kind, type->kind.kind) == 0 ? more[i].members : members;
	}
	while (*members != '\0') {
		size_t length = strcspn(members, ",");
		char name[64];
		struct json_object *member =
			openapi_schema_of_type("object", "See the Kubernetes API reference.");

		snprintf(name, sizeof(name), "%.*s", (int)length, members);
		json_object_object_add(member, "x-kubernetes-preserve-unknown-fields",
				       json_object_new_boolean(1));
		json_object_object_add(properties, name, member);
		members += length + (members[length] == ',' ? 1 : 0);
	}
	json_object_object_add(schema, "x-kubernetes-preserve-unknown-fields",
			       json_object_new_boolean(1));
	return schema;
}

static void openapi_add_schema(struct json_object *schemas, const struct type *type)
{
	struct json_object *schema, *list, *items, *properties;
	char name[NAME_MAX_LENGTH], list_name[NAME_MAX_LENGTH + 8];

	openapi_schema_name(type, name);
	snprintf(list_name, sizeof(list_name), "%sList", name);
	schema = type->openapi != NULL ? asb_copy(type->openapi) : openapi_builtin_schema(type);
	properties = asb_object_in(schema, "properties");
	openapi_add_type_meta(properties);
	json_object_object_add(
		properties, "metadata",
		openapi_documented_reference(META "ObjectMeta", "Standard object's metadata."));
	openapi_add_gvk(schema, type, false);
	json_object_object_add(schemas, name, schema);

	list = openapi_schema_of_type("object", "A list of them.");
	properties = asb_object_in(list, "properties");
	openapi_add_type_meta(properties);
	items = openapi_schema_of_type("array", "The objects.");
	json_object_object_add(items, "items", openapi_reference(name));
	json_object_object_add(properties, "items", items);
	json_object_object_add(
		properties, "metadata",
		openapi_documented_reference(META "ListMeta", "Standard list metadata."));
	openapi_add_gvk(list, type, true);
	json_object_object_add(schemas, list_name, list);
}

static void openapi_add_meta_schemas(struct json_object *schemas)
{
	static const struct {
		const char *name, *type, *description;
	} fields[] = {
		{ "name", "string", "Unique within its namespace and kind; cannot be changed." },
		{ "generateName", "string", "A prefix: the server appends five letters." },
		{ "namespace", "string", "The namespace it is in; cannot be changed." },
		{ "uid", "string", "Given by the server: unique in time and space." },
		{ "resourceVersion", "string", "Changes with each write; compare for equality." },
		{ "generation", "integer", "Counts the changes of what is wanted." },
		{ "creationTimestamp", "string", "When it was created." },
		{ "deletionTimestamp", "string", "When its deletion was asked for, or is due." },
		{ "deletionGracePeriodSeconds", "integer", "How long the deletion may take." },
		{ "labels", "object", "Keys and values by which it can be selected." },
		{ "annotations", "object", "Keys and values that are not selected by." },
		{ "ownerReferences", "array", "Whose it is: it goes when they all are gone." },
		{ "finalizers", "array", "Who must agree before it is gone." },
		{ "managedFields", "array", "Not kept by this server." },
	};
	struct json_object *meta = openapi_schema_of_type("object", "What every object has."),
			   *properties,
			   *list = openapi_schema_of_type("object", "What every list has.");

	properties = asb_object_in(meta, "properties");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct json_object *field =
			openapi_schema_of_type(fields[i].type, fields[i].description);

		if (strcmp(fields[i].type, "array") == 0) {
			asb_object_in(field, "items");
		} else if (strcmp(fields[i].type, "object") == 0) {
			asb_set_str(asb_object_in(field, "additionalProperties"), "type", "string");
		}
		json_object_object_add(properties, fields[i].name, field);
	}
	json_object_object_add(schemas, META "ObjectMeta", meta);
	properties = asb_object_in(list, "properties");
	json_object_object_add(properties, "resourceVersion",
			       openapi_schema_of_type("string", "Where a watch may go on."));
	json_object_object_add(properties, "continue",
			       openapi_schema_of_type("string", "Where the next page begins."));
	json_object_object_add(schemas, META "ListMeta", list);
}

/* ---- paths ---- */

/* kubectl finds a kind's schema by the operation that reads it, and asks whether a PATCH takes
 * fieldValidation. */
static void openapi_add_operation(struct json_object *path, const char *method, const char *action,
				  const struct type *type)
{
	static const char *const queries[] = { "dryRun", "fieldManager", "fieldValidation" };
	struct json_object *operation = asb_object_in(path, method), *gvk, *parameters, *content;
	char name[NAME_MAX_LENGTH];

	openapi_schema_name(type, name);
	asb_set_str(operation, "x-kubernetes-action", action);
	gvk = asb_object_in(operation, "x-kubernetes-group-version-kind");
	asb_set_str(gvk, "group", type->kind.group);
	asb_set_str(gvk, "version", type->kind.version);
	asb_set_str(gvk, "kind", type->kind.kind);
	parameters = json_object_new_array();
	json_object_object_add(operation, "parameters", parameters);
	for (size_t i = 0; strcmp(method, "get") != 0 && i < ARRAY_LEN(queries); i++) {
		struct json_object *query = json_object_new_object();

		asb_set_str(query, "name", queries[i]);
		asb_set_str(query, "in", "query");
		json_object_object_add(query, "schema", openapi_schema_of_type("string", NULL));
		json_object_array_add(parameters, query);
	}
	content = asb_object_in(asb_object_in(operation, "responses"), "200");
	asb_set_str(content, "description", "OK");
	content = asb_object_in(asb_object_in(content, "content"), "application/json");
	json_object_object_add(content, "schema", openapi_reference(name));
}

static void openapi_add_paths(struct json_object *paths, const struct type *type)
{
	struct json_object *path;
	char version[PATH_MAX_LENGTH], text[PATH_MAX_LENGTH + 256];
	const char *ns = type->namespaced ? "namespaces/{namespace}/" : "";

	openapi_version_path(type, version);
	snprintf(text, sizeof(text), "/%s/%s%s", version, ns, type->kind.plural);
	path = asb_object_in(paths, text);
	openapi_add_operation(path, "get", "list", type);
	openapi_add_operation(path, "post", "post", type);
	snprintf(text, sizeof(text), "/%s/%s%s/{name}", version, ns, type->kind.plural);
	path = asb_object_in(paths, text);
	openapi_add_operation(path, "get", "get", type);
	openapi_add_operation(path, "put", "put", type);
	openapi_add_operation(path, "patch", "patch", type);
}

struct json_object *openapi_v3(const struct types *types, const char *group, const char *version)
{
	struct json_object *document = json_object_new_object(), *info, *paths, *schemas;
	const struct type *type;
	size_t count = 0;

	asb_set_str(document, "openapi", "3.0.0");
	info = asb_object_in(document, "info");
	asb_set_str(info, "title", "Kubernetes");
	asb_set_str(info, "version", DISCOVERY_VERSION);
	paths = asb_object_in(document, "paths");
	schemas = asb_object_in(asb_object_in(document, "components"), "schemas");
	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.group, group) == 0 &&
		    strcmp(type->kind.version, version) == 0) {
			openapi_add_schema(schemas, type);
			openapi_add_paths(paths, type);
			count++;
		}
	}
	if (count == 0) {
		json_object_put(document);
		return NULL;
	}
	openapi_add_meta_schemas(schemas);
	return document;
}
