/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that field selectors may name: those of the built-in kinds, and those a CRD adds.
 * States keep the fields' values; selectors check names against them. */
#include "config.h"

#include "apiserver/objects/fields.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"

static const char *const none[] = { NULL };
static const char *const pod[] = { "spec.nodeName",
				   "spec.restartPolicy",
				   "spec.schedulerName",
				   "spec.serviceAccountName",
				   "spec.hostNetwork",
				   "status.phase",
				   "status.podIP",
				   "status.nominatedNodeName",
				   NULL };
static const char *const event[] = { "involvedObject.kind",
				     "involvedObject.namespace",
				     "involvedObject.name",
				     "involvedObject.uid",
				     "involvedObject.apiVersion",
				     "involvedObject.resourceVersion",
				     "involvedObject.fieldPath",
				     "reason",
				     "reportingComponent",
				     "source",
				     "type",
				     NULL };
static const char *const namespace[] = { "status.phase", NULL };
static const char *const node[] = { "spec.unschedulable", NULL };
static const char *const secret[] = { "type", NULL };
static const char *const service[] = { "spec.clusterIP", "spec.type", NULL };

static const struct {
	const char *id;
	const char *const *paths;
} kinds[] = {
	{ "/Pod", pod },   { "/Event", event },   { "/Namespace", namespace },
	{ "/Node", node }, { "/Secret", secret }, { "/Service", service },
};

static const char *const *fields_known(const struct resource *resource)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].id, resource->id) == 0) {
			return kinds[i].paths;
		}
	}
	return none;
}

const char *fields_nth(const struct resource *resource, size_t position)
{
	const char *const *paths = fields_known(resource);

	for (; *paths != NULL; paths++) {
		if (position-- == 0) {
			return *paths;
		}
	}
	for (char **path = resource->fields; path != NULL && *path != NULL; path++) {
		if (position-- == 0) {
			return *path;
		}
	}
	return NULL;
}

const char *fields_find(const struct resource *resource, const char *name)
{
	static const struct {
		const char *name, *path;
	} others[] = {
		{ "metadata.name", "metadata.name" },
		{ "metadata.namespace", "metadata.namespace" },
	};
	const char *path;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i].name, name) == 0) {
			return others[i].path;
		}
	}
	for (size_t i = 0; (path = fields_nth(resource, i)) != NULL; i++) {
		if (strcmp(path, name) == 0) {
			return path;
		}
	}
	return NULL;
}

/* What a path with dots leads to. */
static struct json_object *fields_at_path(struct json_object *object, const char *path)
{
	char name[128];

	while (object != NULL && *path != '\0') {
		size_t length = strcspn(path, ".");

		if (length >= sizeof(name)) {
			return NULL;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		object = asb_at(object, name);
		path += length + (path[length] == '.' ? 1 : 0);
	}
	return object;
}

const char *fields_value(struct json_object *object, const char *path,
			 char scratch[FIELD_VALUE_MAX])
{
	struct json_object *value = fields_at_path(object, path);

	if (strcmp(path, "source") == 0) {
		const char *component = asb_str(value, "component");

		/* An event names its reporter in one of two fields. */
		return component != NULL ? component
					 : fields_value(object, "reportingComponent", scratch);
	}
	switch (json_object_get_type(value)) {
	case json_type_string:
		return json_object_get_string(value);
	case json_type_boolean:
		return json_object_get_boolean(value) ? "true" : "false";
	case json_type_int:
		snprintf(scratch, FIELD_VALUE_MAX, "%" PRId64, json_object_get_int64(value));
		return scratch;
	default:
		/* Flags that are left out are false. */
		return strcmp(path, "spec.unschedulable") == 0 ||
				       strcmp(path, "spec.hostNetwork") == 0
			       ? "false"
			       : "";
	}
}
