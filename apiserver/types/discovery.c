/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery documents, plain and aggregated, made from the table of kinds. The API server answers
 * with them. */
#include "config.h"

#include "apiserver/types/discovery.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define GROUP_VERSION_MAX 330

static struct json_object *discovery_document(const char *kind, const char *version)
{
	struct json_object *object = json_object_new_object();

	asb_set_str(object, "kind", kind);
	asb_set_str(object, "apiVersion", version);
	return object;
}

static struct json_object *discovery_add_array(struct json_object *object, const char *name)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(object, name, array);
	return array;
}

static struct json_object *discovery_verbs_of(uint32_t verbs)
{
	static const char *const names[] = { "create", "delete", "deletecollection", "get",
					     "list",   "patch",  "update",           "watch" };
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((verbs >> i & 1) != 0) {
			json_object_array_add(array, json_object_new_string(names[i]));
		}
	}
	return array;
}

static void discovery_add_names(struct json_object *object, const char *member,
				const char *const *names)
{
	struct json_object *array;

	if (names == NULL || names[0] == NULL) {
		return;
	}
	array = discovery_add_array(object, member);
	for (size_t i = 0; names[i] != NULL; i++) {
		json_object_array_add(array, json_object_new_string(names[i]));
	}
}

struct json_object *discovery_version(void)
{
	struct json_object *version = json_object_new_object();

	asb_set_str(version, "major", DISCOVERY_MAJOR);
	asb_set_str(version, "minor", DISCOVERY_MINOR);
	asb_set_str(version, "gitVersion", DISCOVERY_VERSION);
	asb_set_str(version, "gitCommit", "");
	asb_set_str(version, "gitTreeState", "");
	asb_set_str(version, "buildDate", "1970-01-01T00:00:00Z");
	asb_set_str(version, "goVersion", "");
	asb_set_str(version, "compiler", "");
	asb_set_str(version, "platform", "linux");
	return version;
}

struct json_object *discovery_api(const char *server_address)
{
	struct json_object *api = discovery_document("APIVersions", "v1"),
			   *address = json_object_new_object();

	json_object_object_del(api, "apiVersion");
	json_object_array_add(discovery_add_array(api, "versions"), json_object_new_string("v1"));
	asb_set_str(address, "clientCIDR", "0.0.0.0/0");
	asb_set_str(address, "serverAddress", server_address);
	json_object_array_add(discovery_add_array(api, "serverAddressByClientCIDRs"), address);
	return api;
}

/* ---- groups ---- */

static struct json_object *discovery_group_version(const char *group, const char *version)
{
	struct json_object *object = json_object_new_object();
	char text[GROUP_VERSION_MAX];

	snprintf(text, sizeof(text), "%s/%s", group, version);
	asb_set_str(object, "groupVersion", text);
	asb_set_str(object, "version", version);
	return object;
}

static bool discovery_has_version(struct json_object *versions, const char *version)
{
	for (size_t i = 0; i < asb_length(versions); i++) {
		if (asb_streq(asb_str(json_object_array_get_idx(versions, i), "version"),
			      version)) {
			return true;
		}
	}
	return false;
}

/* {name, versions, preferredVersion}: that of the stored version, else the first. */
static struct json_object *discovery_group_of(const struct types *types, const char *group)
{
	struct json_object *object = json_object_new_object(), *versions, *preferred = NULL;
	const struct type *type;

	asb_set_str(object, "name", group);
	versions = discovery_add_array(object, "versions");
	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.group, group) != 0 ||
		    discovery_has_version(versions, type->kind.version)) {
			continue;
		}
		json_object_array_add(versions, discovery_group_version(group, type->kind.version));
		if (preferred == NULL ||
		    (type->custom && strcmp(type->storage_version, type->kind.version) == 0)) {
			json_object_put(preferred);
			preferred = discovery_group_version(group, type->kind.version);
		}
	}
	json_object_object_add(object, "preferredVersion", preferred);
	return object;
}

/* Whether a type is the first of its group. */
static bool discovery_begins_group(const struct types *types, size_t position)
{
	const struct type *type = types_nth(types, position);

	for (size_t i = 0; i < position; i++) {
		if (strcmp(types_nth(types, i)->kind.group, type->kind.group) == 0) {
			return false;
		}
	}
	return *type->kind.group != '\0';
}

struct json_object *discovery_groups(const struct types *types)
{
	struct json_object *list = discovery_document("APIGroupList", "v1"),
			   *groups = discovery_add_array(list, "groups");
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (discovery_begins_group(types, i)) {
			json_object_array_add(groups, discovery_group_of(types, type->kind.group));
		}
	}
	return list;
}

struct json_object *discovery_group(const struct types *types, const char *group)
{
	struct json_object *found, *object;

	if (*group == '\0') {
		return NULL;
	}
	found = discovery_group_of(types, group);
	if (asb_length(asb_at(found, "versions")) == 0) {
		json_object_put(found);
		return NULL;
	}
	object = discovery_document("APIGroup", "v1");
	json_object_object_foreach (found, name, value) {
		json_object_object_add(object, name, json_object_get(value));
	}
	json_object_put(found);
	return object;
}

/* ---- resources ---- */

static struct json_object *discovery_resource_of(const struct type *type)
{
	struct json_object *object = json_object_new_object();

	asb_set_str(object, "name", type->kind.plural);
	asb_set_str(object, "singularName", type->singular);
	json_object_object_add(object, "namespaced", json_object_new_boolean(type->namespaced));
	asb_set_str(object, "kind", type->kind.kind);
	json_object_object_add(object, "verbs", discovery_verbs_of(type->verbs));
	discovery_add_names(object, "shortNames", type->short_names);
	discovery_add_names(object, "categories", type->categories);
	return object;
}

static struct json_object *discovery_subresource_of(const struct type *type,
						    const struct type_subresource *subresource)
{
	struct json_object *object = json_object_new_object();
	char name[GROUP_VERSION_MAX];

	snprintf(name, sizeof(name), "%s/%s", type->kind.plural, subresource->name);
	asb_set_str(object, "name", name);
	asb_set_str(object, "singularName", "");
	json_object_object_add(object, "namespaced", json_object_new_boolean(type->namespaced));
	if (subresource->kind != NULL && *subresource->group != '\0') {
		asb_set_str(object, "group", subresource->group);
		asb_set_str(object, "version", subresource->version);
	}
	asb_set_str(object, "kind",
		    subresource->kind != NULL ? subresource->kind : type->kind.kind);
	json_object_object_add(object, "verbs", discovery_verbs_of(subresource->verbs));
	return object;
}

struct json_object *discovery_resources(const struct types *types, const char *group,
					const char *version)
{
	struct json_object *list = discovery_document("APIResourceList", "v1"), *resources;
	const struct type *type;
	char text[GROUP_VERSION_MAX];

	snprintf(text, sizeof(text), "%s%s%s", group, *group != '\0' ? "/" : "", version);
	asb_set_str(list, "groupVersion", text);
	resources = discovery_add_array(list, "resources");
	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		const struct type_subresource *sub = type->subresources;

		if (strcmp(type->kind.group, group) != 0 ||
		    strcmp(type->kind.version, version) != 0) {
			continue;
		}
		json_object_array_add(resources, discovery_resource_of(type));
		for (; sub != NULL && sub->name != NULL; sub++) {
			json_object_array_add(resources, discovery_subresource_of(type, sub));
		}
	}
	if (asb_length(resources) == 0) {
		json_object_put(list);
		return NULL;
	}
	return list;
}

/* ---- aggregated ---- */

static void discovery_set_response_kind(struct json_object *object, const struct type *type,
					const struct type_subresource *sub)
{
	struct json_object *kind = asb_object_in(object, "responseKind");
	bool own = sub == NULL || sub->kind == NULL;

	asb_set_str(kind, "group", own ? type->kind.group : sub->group);
	asb_set_str(kind, "version", own ? type->kind.version : sub->version);
	asb_set_str(kind, "kind", own ? type->kind.kind : sub->kind);
}

static struct json_object *discovery_aggregated_resource(const struct type *type)
{
	struct json_object *object = json_object_new_object(), *subs;
	const struct type_subresource *sub = type->subresources;

	asb_set_str(object, "resource", type->kind.plural);
	discovery_set_response_kind(object, type, NULL);
	asb_set_str(object, "scope", type->namespaced ? "Namespaced" : "Cluster");
	asb_set_str(object, "singularResource", type->singular);
	json_object_object_add(object, "verbs", discovery_verbs_of(type->verbs));
	discovery_add_names(object, "shortNames", type->short_names);
	discovery_add_names(object, "categories", type->categories);
	if (sub == NULL) {
		return object;
	}
	subs = discovery_add_array(object, "subresources");
	for (; sub->name != NULL; sub++) {
		struct json_object *one = json_object_new_object();

		asb_set_str(one, "subresource", sub->name);
		discovery_set_response_kind(one, type, sub);
		json_object_object_add(one, "verbs", discovery_verbs_of(sub->verbs));
		json_object_array_add(subs, one);
	}
	return object;
}

static struct json_object *discovery_aggregated_version(const struct types *types,
							const char *group, const char *version)
{
	struct json_object *object = json_object_new_object(), *resources;
	const struct type *type;

	asb_set_str(object, "version", version);
	resources = discovery_add_array(object, "resources");
	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (strcmp(type->kind.group, group) == 0 &&
		    strcmp(type->kind.version, version) == 0) {
			json_object_array_add(resources, discovery_aggregated_resource(type));
		}
	}
	asb_set_str(object, "freshness", "Current");
	return object;
}

/* The preferred version first: clients take the first. */
static struct json_object *discovery_aggregated_group(const struct types *types, const char *group)
{
	struct json_object *object = json_object_new_object(),
			   *metadata = asb_object_in(object, "metadata"),
			   *versions = discovery_add_array(object, "versions"),
			   *plain = discovery_group_of(types, group),
			   *list = asb_at(plain, "versions");
	const char *preferred = asb_str(plain, "preferredVersion", "version");

	if (*group != '\0') {
		asb_set_str(metadata, "name", group);
	}
	json_object_array_add(versions, discovery_aggregated_version(types, group, preferred));
	for (size_t i = 0; i < asb_length(list); i++) {
		const char *version = asb_str(json_object_array_get_idx(list, i), "version");

		if (!asb_streq(version, preferred)) {
			json_object_array_add(versions,
					      discovery_aggregated_version(types, group, version));
		}
	}
	json_object_put(plain);
	return object;
}

struct json_object *discovery_aggregated(const struct types *types, bool core, const char *version)
{
	char api_version[GROUP_VERSION_MAX];
	struct json_object *list, *items;
	const struct type *type;

	snprintf(api_version, sizeof(api_version), "apidiscovery.k8s.io/%s", version);
	list = discovery_document("APIGroupDiscoveryList", api_version);
	asb_object_in(list, "metadata");
	items = discovery_add_array(list, "items");
	if (core) {
		json_object_array_add(items, discovery_aggregated_group(types, ""));
		return list;
	}
	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (discovery_begins_group(types, i)) {
			json_object_array_add(items,
					      discovery_aggregated_group(types, type->kind.group));
		}
	}
	return list;
}
