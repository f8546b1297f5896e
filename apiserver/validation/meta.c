/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of metadata: names, labels, annotations, owners, finalizers. Every write of every kind
 * goes through it. */
#include "config.h"

#include "apiserver/validation/meta.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/validation/name.h"
#include "base/buf.h"
#include "base/macros.h"

#define UNKNOWN_MAX 512 /* of a path in a warning */

static const struct {
	const char *name;
	json_type type;
} fields[] = {
	{ "name", json_type_string },
	{ "generateName", json_type_string },
	{ "namespace", json_type_string },
	{ "selfLink", json_type_string },
	{ "uid", json_type_string },
	{ "resourceVersion", json_type_string },
	{ "generation", json_type_int },
	{ "creationTimestamp", json_type_string },
	{ "deletionTimestamp", json_type_string },
	{ "deletionGracePeriodSeconds", json_type_int },
	{ "labels", json_type_object },
	{ "annotations", json_type_object },
	{ "ownerReferences", json_type_array },
	{ "finalizers", json_type_array },
	{ "managedFields", json_type_array },
};

static bool meta_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool meta_is_empty(struct json_object *value)
{
	return value == NULL ||
	       (json_object_is_type(value, json_type_object) &&
		json_object_object_length(value) == 0) ||
	       (json_object_is_type(value, json_type_array) &&
		json_object_array_length(value) == 0);
}

void metadata_clean(struct json_object *metadata, struct json_object *unknown)
{
	struct json_object *doomed = json_object_new_array();

	json_object_object_foreach (metadata, name, value) {
		bool is_known = meta_known(name);

		if (!is_known && unknown != NULL && asb_length(unknown) < VALIDATE_CAUSES_MAX) {
			char path[UNKNOWN_MAX];

			snprintf(path, sizeof(path), "metadata.%s", name);
			json_object_array_add(unknown, json_object_new_string(path));
		}
		if (!is_known || meta_is_empty(value)) {
			json_object_array_add(doomed, json_object_new_string(name));
		}
	}
	for (size_t i = 0; i < asb_length(doomed); i++) {
		json_object_object_del(metadata, asb_as_str(json_object_array_get_idx(doomed, i)));
	}
	json_object_put(doomed);
}

static bool meta_all_strings(struct json_object *object)
{
	json_object_object_foreach (object, name, value) {
		(void)name;
		if (!json_object_is_type(value, json_type_string)) {
			return false;
		}
	}
	return true;
}

const char *metadata_mistyped(struct json_object *metadata)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct json_object *value = asb_at(metadata, fields[i].name);

		if (value != NULL && !json_object_is_type(value, fields[i].type)) {
			return fields[i].name;
		}
	}
	if (asb_at(metadata, "labels") != NULL && !meta_all_strings(asb_at(metadata, "labels"))) {
		return "labels";
	}
	if (asb_at(metadata, "annotations") != NULL &&
	    !meta_all_strings(asb_at(metadata, "annotations"))) {
		return "annotations";
	}
	return NULL;
}

static void meta_check_annotations(struct json_object *annotations, struct causes *causes)
{
	size_t total = 0;

	if (annotations == NULL) {
		return;
	}
	json_object_object_foreach (annotations, name, value) {
		validate_qualified(name, "metadata.annotations", causes);
		total += strlen(name) + (size_t)json_object_get_string_len(value);
	}
	if (total > META_ANNOTATIONS_MAX) {
		causes_add_str(causes, CAUSE_TOO_LONG, "metadata.annotations", NULL,
			       "may not be more than %u bytes", META_ANNOTATIONS_MAX);
	}
}

static void meta_check_owner(struct json_object *owner, struct causes *causes)
{
	static const struct {
		const char *name, *path, *detail;
	} required[] = {
		{ "apiVersion", "metadata.ownerReferences.apiVersion",
		  "version must not be empty" },
		{ "kind", "metadata.ownerReferences.kind", "must not be empty" },
		{ "name", "metadata.ownerReferences.name", "must not be empty" },
		{ "uid", "metadata.ownerReferences.uid", "must not be empty" },
	};

	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		const char *text = asb_str(owner, required[i].name);

		if (text == NULL || *text == '\0') {
			causes_add_str(causes, CAUSE_INVALID, required[i].path, "", "%s",
				       required[i].detail);
		}
	}
}

static void meta_check_owners(struct json_object *owners, struct causes *causes)
{
	struct json_object *first = NULL;

	for (size_t i = 0; i < asb_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		meta_check_owner(owner, causes);
		if (!asb_true(asb_at(owner, "controller"))) {
			continue;
		}
		if (first != NULL) {
			causes_add(
				causes, CAUSE_INVALID, "metadata.ownerReferences", owners,
				"Only one reference can have Controller set to true. Found \"true\" in references for %s/%s and %s/%s",
				asb_str(first, "kind"), asb_str(first, "name"),
				asb_str(owner, "kind"), asb_str(owner, "name"));
			return;
		}
		first = owner;
	}
}

static void meta_check_finalizers(struct json_object *finalizers, struct causes *causes)
{
	for (size_t i = 0; i < asb_length(finalizers); i++) {
		const char *text = asb_as_str(json_object_array_get_idx(finalizers, i));

		validate_qualified(text != NULL ? text : "", "metadata.finalizers", causes);
	}
}

/* Namespaces are labels; the names of what the API server itself makes from nodes may have more. */
static void meta_check_name(const char *kind, const char *name, const char *field,
			    struct causes *causes)
{
	if (strcmp(kind, "Namespace") == 0 || strcmp(kind, "Service") == 0) {
		if (strchr(name, '.') != NULL) {
			causes_add_str(causes, CAUSE_INVALID, field, name, "must not contain dots");
			return;
		}
		validate_label(name, field, causes);
		return;
	}
	if (strcmp(kind, "Event") == 0) {
		return;
	}
	validate_subdomain(name, field, causes);
}

/* generateName is the beginning of a name: a dash may end it. */
static void meta_check_generate_name(const char *kind, const char *prefix, struct causes *causes)
{
	CLEANUP_CAUSES struct causes own = CAUSES_INIT;
	CLEANUP_BUF struct buf name = BUF_INIT(1024);

	buf_append_str(&name, prefix);
	if (name.length > 0 && name.data[name.length - 1] == '-') {
		name.data[name.length - 1] = 'a';
	}
	meta_check_name(kind, buf_str(&name), "metadata.generateName", &own);
	if (causes_any(&own)) {
		meta_check_name(kind, prefix, "metadata.generateName", causes);
	}
}

static void meta_check_unchanged(struct json_object *object, struct json_object *old,
				 const char *name, const char *field, struct causes *causes)
{
	const char *now = asb_str(object, "metadata", name),
		   *before = asb_str(old, "metadata", name);

	if (now != NULL && *now != '\0' && before != NULL && strcmp(now, before) != 0) {
		causes_add_str(causes, CAUSE_INVALID, field, now, "field is immutable");
	}
}

void validate_metadata(const char *kind, struct json_object *object, struct json_object *old,
		       struct causes *causes)
{
	struct json_object *metadata = asb_at(object, "metadata");
	const char *name = asb_name(object), *prefix = asb_str(metadata, "generateName");

	if (old == NULL && prefix != NULL && *prefix != '\0') {
		meta_check_generate_name(kind, prefix, causes);
	}
	if (name != NULL && *name != '\0') {
		meta_check_name(kind, name, "metadata.name", causes);
	} else if (prefix == NULL || *prefix == '\0') {
		causes_add_str(causes, CAUSE_REQUIRED, "metadata.name", NULL,
			       "name or generateName is required");
	}
	validate_labels(asb_at(metadata, "labels"), "metadata.labels", causes);
	meta_check_annotations(asb_at(metadata, "annotations"), causes);
	meta_check_owners(asb_array(metadata, "ownerReferences"), causes);
	meta_check_finalizers(asb_array(metadata, "finalizers"), causes);
	if (old != NULL) {
		meta_check_unchanged(object, old, "name", "metadata.name", causes);
		meta_check_unchanged(object, old, "namespace", "metadata.namespace", causes);
	}
}
