/* SPDX-License-Identifier: Apache-2.0 */
/* What writes to the in-memory API may say, and what an update makes of an object. apiserver/objects/write.c
 * calls it. */
#include "config.h"

#include "apiserver/objects/update.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

int update_check_body(const struct resource *resource, const char *ns, const char *name,
		      struct json_object *body, struct error *reterr)
{
	const char *kind = asb_str(body, "kind"), *body_ns = asb_ns(body),
		   *body_name = asb_name(body);

	if (resource == NULL) {
		return refusal_not_found(resource, "", reterr);
	}
	if (!json_object_is_type(body, json_type_object) ||
	    (asb_at(body, "metadata") != NULL &&
	     !json_object_is_type(asb_at(body, "metadata"), json_type_object))) {
		return objects_fail(reterr, 400, "the body is not a JSON object with metadata");
	}
	if (kind != NULL && strcmp(kind, resource->kind.kind) != 0) {
		return objects_fail(reterr, 400, "%s in the request body is not the %s of the URL",
				    kind, resource->kind.kind);
	}
	if (*body_ns != '\0' && strcmp(body_ns, ns) != 0) {
		return objects_fail(
			reterr, 400,
			"the namespace of the provided object does not match the namespace sent on the request");
	}
	if (name != NULL && body_name != NULL && strcmp(body_name, name) != 0) {
		return objects_fail(
			reterr, 400,
			"the name of the object (%.100s) does not match the name on the URL (%.100s)",
			body_name, name);
	}
	asb_object_in(body, "metadata");
	return 0;
}

int update_check_text(const struct resource *resource, struct json_object *old,
		      struct json_object *body, struct error *reterr)
{
	static const struct {
		const char *name;
		bool of_metadata;
	} fields[] = {
		{ "apiVersion", false },      { "kind", false }, { "name", true },
		{ "namespace", true },        { "uid", true },   { "creationTimestamp", true },
		{ "deletionTimestamp", true }
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *name = fields[i].name;
		bool inner = fields[i].of_metadata;
		struct json_object *value = asb_at(inner ? asb_at(body, "metadata") : body, name);
		char path[64];

		if (!json_has_nul(value) ||
		    json_object_equal(value, asb_at(inner ? asb_at(old, "metadata") : old, name))) {
			continue;
		}
		snprintf(path, sizeof(path), "%s%s", inner ? "metadata." : "", name);
		return refusal_invalid(resource, asb_name(old != NULL ? old : body), reterr, path,
				       "Invalid value: must not contain NUL (U+0000)");
	}
	return 0;
}

static int update_check_owners(const struct resource *resource, struct json_object *object,
			       struct error *reterr)
{
	static const char *const required[] = { "apiVersion", "kind", "name", "uid" };
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");
	size_t controllers = 0;

	for (size_t i = 0; i < asb_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		for (size_t j = 0; j < ARRAY_LEN(required); j++) {
			const char *value = asb_str(owner, required[j]);

			if (value == NULL || *value == '\0') {
				return refusal_invalid(
					resource, asb_name(object), reterr,
					"metadata.ownerReferences",
					"apiVersion, kind, name and uid must not be empty");
			}
		}
		controllers += asb_true(asb_at(owner, "controller")) ? 1 : 0;
	}
	if (controllers > 1) {
		return refusal_invalid(resource, asb_name(object), reterr,
				       "metadata.ownerReferences",
				       "Only one reference can have Controller set to true");
	}
	return 0;
}

int update_check_new(const struct resource *resource, struct json_object *object,
		     struct error *reterr)
{
	const char *name = asb_name(object);

	if (name == NULL || *name == '\0') {
		return refusal_invalid(resource, "", reterr, "metadata.name",
				       "Required value: name or generateName is required");
	}
	/* What a path can have as one segment; more is the business of schemas. */
	if (strlen(name) > 253 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strpbrk(name, "/%") != NULL) {
		return refusal_invalid(resource, name, reterr, "metadata.name", "Invalid value");
	}
	return update_check_owners(resource, object, reterr);
}

/* Whether the metadata of a body holds a text other than the object's. An empty one says nothing; one
 * that begins with a NUL is not empty. */
static bool update_says_other(struct json_object *object, struct json_object *body,
			      const char *name)
{
	struct json_object *given = asb_at(body, "metadata", name);

	return json_object_is_type(given, json_type_string) &&
	       json_object_get_string_len(given) > 0 &&
	       !json_object_equal(given, asb_at(object, "metadata", name));
}

static int update_fail_uid(const struct resource *resource, struct json_object *object,
			   const char *uid, struct error *reterr)
{
	return objects_fail(
		reterr, 409,
		"Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID in precondition: %.64s, UID in object meta: %.64s",
		resource->kind.plural, asb_name(object), uid, asb_uid(object));
}

int update_check_uid(const struct resource *resource, struct json_object *object, const char *uid,
		     struct error *reterr)
{
	return uid == NULL || *uid == '\0' || asb_streq(uid, asb_uid(object))
		       ? 0
		       : update_fail_uid(resource, object, uid, reterr);
}

int update_check_same_uid(const struct resource *resource, struct json_object *object,
			  struct json_object *body, struct error *reterr)
{
	return update_says_other(object, body, "uid")
		       ? update_fail_uid(resource, object, asb_uid(body), reterr)
		       : 0;
}

int update_check_immutable(const struct resource *resource, struct json_object *object,
			   struct json_object *body, struct error *reterr)
{
	if (update_says_other(object, body, "uid")) {
		return refusal_invalid(resource, asb_name(object), reterr, "metadata.uid",
				       "Invalid value: field is immutable");
	}
	return 0;
}

static int update_check_version(const struct resource *resource, struct json_object *object,
				struct json_object *body, struct error *reterr)
{
	if (!update_says_other(object, body, "resourceVersion")) {
		return 0;
	}
	return objects_fail(
		reterr, 409,
		"Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your changes to the latest version and try again",
		resource->kind.plural, asb_name(object));
}

static int update_check_finalizers(const struct resource *resource, struct json_object *object,
				   struct json_object *body, struct error *reterr)
{
	struct json_object *old = asb_array(object, "metadata", "finalizers");
	struct json_object *new = asb_array(body, "metadata", "finalizers");

	CLEANUP(map_finish) struct map known = MAP_INIT;

	for (size_t i = 0; asb_deleting(object) && i < asb_length(old); i++) {
		struct json_object *one = json_object_array_get_idx(old, i);

		if (asb_as_str(one) != NULL) {
			map_put(&known, asb_as_str(one), one);
		}
	}
	for (size_t i = 0; asb_deleting(object) && i < asb_length(new); i++) {
		const char *name = asb_as_str(json_object_array_get_idx(new, i));

		if (name == NULL || map_get(&known, name) == NULL) {
			return refusal_invalid(
				resource, asb_name(object), reterr, "metadata.finalizers",
				"Forbidden: no new finalizers can be added if the object is being deleted");
		}
	}
	return 0;
}

/* Gives to a member what it has in from, which may be nothing. */
static void update_restore(struct json_object *to, struct json_object *from, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(from, name, &value)) {
		json_object_object_add(to, name, json_object_get(value));
	} else {
		json_object_object_del(to, name);
	}
}

/* Whether anything but metadata and status differs. */
static bool update_spec_differs(struct json_object *a, struct json_object *b)
{
	json_object_object_foreach (a, name, value) {
		struct json_object *other = NULL;
		bool aside = strcmp(name, "metadata") == 0 || strcmp(name, "status") == 0 ||
			     strcmp(name, "apiVersion") == 0;

		if (!aside && (!json_object_object_get_ex(b, name, &other) ||
			       !json_object_equal(value, other))) {
			return true;
		}
	}
	return false;
}

static struct json_object *update_apply_main(const struct resource *resource,
					     struct json_object *object, struct json_object *body)
{
	static const char *const fixed[] = { "name",
					     "namespace",
					     "uid",
					     "generation",
					     "creationTimestamp",
					     "deletionTimestamp",
					     "resourceVersion",
					     "deletionGracePeriodSeconds" };
	struct json_object *metadata = asb_at(body, "metadata");

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		update_restore(metadata, asb_at(object, "metadata"), fixed[i]);
	}
	if (asb_str(body, "apiVersion") == NULL) {
		update_restore(body, object, "apiVersion");
	}
	update_restore(body, object, "kind");
	if (resource->options.status) {
		update_restore(body, object, "status");
	}
	return json_object_get(body);
}

int update_admit(struct objects *objects, const struct resource *resource, const char *ns,
		 const char *subresource, struct json_object *old, struct json_object *object,
		 const struct write_options *options, struct error *reterr)
{
	if (objects->hooks.admit == NULL) {
		return 0;
	}
	return objects->hooks.admit(objects->hooks.arg,
				    &(struct objects_admission){
					    .kind = &resource->kind,
					    .ns = ns,
					    .name = asb_name(object),
					    .subresource = subresource,
					    .old = old,
					    .object = object,
					    .dry_run = (options->flags & OBJECTS_DRY_RUN) != 0,
					    .caller = options->caller,
				    },
				    reterr);
}

int update_check_namespace(struct objects *objects, const struct resource *resource, const char *ns,
			   struct json_object *object, struct error *reterr)
{
	static const struct asb_kind kind = { "", "v1", "namespaces", "Namespace" };
	struct resource *namespaces;
	struct record *record;
	char text[REFUSAL_RESOURCE_MAX];

	if (!objects->policy->namespaces) {
		return 0;
	}
	if (resource->options.namespaced != (*ns != '\0')) {
		return objects_fail(reterr, 400,
				    resource->options.namespaced
					    ? "an empty namespace may not be set during creation"
					    : "namespace is not allowed on this type");
	}
	namespaces = resource_find(objects, &kind);
	if (!resource->options.namespaced || namespaces == NULL) {
		return 0;
	}
	record = record_find(objects, namespaces, "", ns);
	if (record == NULL) {
		return refusal_not_found(namespaces, ns, reterr);
	}
	if (asb_deleting(record_tree(objects, record))) {
		return objects_fail(
			reterr, 403,
			"%s \"%.253s\" is forbidden: unable to create new content in namespace %.63s because it is being terminated",
			refusal_resource(resource, text),
			asb_name(object) != NULL ? asb_name(object) : "", ns);
	}
	return 0;
}

/* Counts a change of anything but metadata and status. */
static void update_count_generation(const struct resource *resource, struct json_object *object,
				    struct json_object *body)
{
	if (!resource->options.no_generation &&
	    (update_spec_differs(object, body) || update_spec_differs(body, object))) {
		metadata_set(body, "generation", json_object_new_int64(asb_generation(object) + 1));
	}
}

int update_apply(struct objects *objects, const struct resource *resource,
		 struct json_object *object, struct json_object *body,
		 const struct write_options *options, struct json_object **ret,
		 struct error *reterr)
{
	bool of_status = (options->flags & OBJECTS_STATUS) != 0;
	CLEANUP_JSON struct json_object *made = NULL;
	int status = update_check_version(resource, object, body, reterr);

	if (status != 0) {
		return status;
	}
	if (of_status) {
		if (!resource->options.status) {
			return refusal_not_found(NULL, "", reterr);
		}
		made = object_derive(object);
		update_restore(made, body, "status");
	} else {
		status = update_check_owners(resource, body, reterr);
		if (status == 0) {
			status = update_check_finalizers(resource, object, body, reterr);
		}
		if (status != 0) {
			return status;
		}
		if (objects->policy->namespaces && strcmp(resource->id, "/Namespace") == 0) {
			update_restore(body, object, "spec"); /* its finalizers are the server's */
		}
		if (objects->policy->drops_managed_fields) {
			json_object_object_del(asb_at(body, "metadata"), "managedFields");
		}
		made = update_apply_main(resource, object, body);
	}
	status = update_admit(objects, resource, asb_ns(object), of_status ? "status" : "", object,
			      made, options, reterr);
	if (status != 0) {
		return status;
	}
	if (!of_status) {
		update_count_generation(resource, object, made);
	}
	*ret = TAKE(made);
	return 0;
}
