/* SPDX-License-Identifier: Apache-2.0 */
/* Create, replace, patch and delete as the API server means them. The simulation and the fake host
 * write through it; what an update may change is told by local/update.c. */
#include "config.h"

#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"
#include "kube/patch.h"
#include "local/objects-private.h"
#include "local/update.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GENERATE_TRIES 8 /* as kube-apiserver */
#define GRACE_SECONDS 30 /* where a pod names none */

/* ---- create ---- */

static struct json_object *new_uid(struct objects *objects)
{
	uint64_t high = objects->config.random(objects->config.arg),
		 low = objects->config.random(objects->config.arg);
	char text[37];

	/* RFC 9562, version 4. */
	snprintf(text, sizeof(text),
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
		 (high >> 16) & 0xffff, high & 0xfff, ((low >> 48) & 0x3fff) | 0x8000,
		 low & 0xffffffffffff);
	return json_object_new_string(text);
}

static struct json_object *time_now(struct objects *objects, int64_t plus_seconds)
{
	char text[21];

	asb_time_format(objects->config.now_ms(objects->config.arg) + plus_seconds * 1000, text);
	return json_object_new_string(text);
}

/* Makes metadata.name from metadata.generateName. */
static void generate_name(struct objects *objects, const struct served *served, const char *ns,
			  struct json_object *object, const char *prefix)
{
	char random[254], name[254];

	for (int i = 0; i < GENERATE_TRIES; i++) {
		asb_random_name(objects->config.random(objects->config.arg), "", random);
		snprintf(name, sizeof(name), "%.58s%.5s", prefix, random + 1);
		if (record_find(objects, served, ns, name) == NULL) {
			break;
		}
	}
	metadata_set(object, "name", json_object_new_string(name));
}

/* What the server decides about a new object. */
static void stamp_new(struct objects *objects, const struct served *served, const char *ns,
		      uint32_t flags, struct json_object *object)
{
	struct json_object *metadata = asb_at(object, "metadata");
	bool as_given = (flags & OBJECTS_AS_GIVEN) != 0;
	char version[160];

	kind_api_version(&served->kind, version);
	if (asb_str(object, "apiVersion") == NULL) {
		asb_set_str(object, "apiVersion", version);
	}
	asb_set_str(object, "kind", served->kind.kind);
	if (*ns != '\0') {
		asb_set_str(metadata, "namespace", ns);
	}
	if (!as_given || asb_uid(object) == NULL) {
		json_object_object_add(metadata, "uid", new_uid(objects));
	}
	if (!as_given || asb_str(metadata, "creationTimestamp") == NULL) {
		json_object_object_add(metadata, "creationTimestamp", time_now(objects, 0));
	}
	json_object_object_add(metadata, "generation", json_object_new_int64(1));
	json_object_object_del(metadata, "resourceVersion");
	json_object_object_del(metadata, "deletionTimestamp");
	json_object_object_del(metadata, "deletionGracePeriodSeconds");
	if (served->status) {
		json_object_object_del(object, "status");
	}
}

int objects_create_object(struct objects *objects, const struct asb_kind *kind, const char *ns,
			  struct json_object *take, uint32_t flags, struct json_object **ret,
			  struct error *reterr)
{
	CLEANUP_JSON struct json_object *object = take;
	struct served *served = served_find(objects, kind);
	const char *version = asb_resource_version(object);
	int status = update_check_body(served, ns, NULL, object, reterr);

	if (status != 0) {
		return status;
	}
	if ((flags & OBJECTS_STATUS) != 0) {
		return update_fail(
			reterr, 405,
			"the server does not allow this method on the requested resource");
	}
	if (version != NULL && *version != '\0') {
		return update_fail(reterr, 400,
				   "resourceVersion should not be set on objects to be created");
	}

	const char *name = asb_name(object), *prefix = asb_str(object, "metadata", "generateName");

	if ((name == NULL || *name == '\0') && prefix != NULL && *prefix != '\0') {
		generate_name(objects, served, ns, object, prefix);
		name = asb_name(object);
	}
	status = update_check_new(served, object, reterr);
	if (status != 0) {
		return status;
	}
	if (record_find(objects, served, ns, name) != NULL) {
		return update_already_exists(served, name, reterr);
	}
	stamp_new(objects, served, ns, flags, object);
	if ((flags & OBJECTS_AS_GIVEN) != 0 && map_get(&objects->by_uid, asb_uid(object)) != NULL) {
		return update_fail(reterr, 409, "another object has the uid '%s'", asb_uid(object));
	}
	if (ret != NULL) {
		*ret = object;
	}
	if ((flags & OBJECTS_DRY_RUN) != 0) {
		objects_keep(objects, TAKE(object));
	} else {
		record_add(objects, served, TAKE(object));
	}
	return 201;
}

/* ---- replace and patch ---- */

/* Whether nothing holds an object any more that is marked for deletion. */
static bool released(const struct record *record, struct json_object *object)
{
	return asb_deleting(object) && !record->grace &&
	       asb_length(asb_at(object, "metadata", "finalizers")) == 0;
}

/* Stores what a request made of an object. */
static int store(struct objects *objects, struct record *record, struct json_object *take_object,
		 uint32_t flags, struct json_object **ret)
{
	struct json_object *object = take_object;

	if (json_object_equal(record->object, object)) {
		json_object_put(object);
		object = record->object;
	} else if ((flags & OBJECTS_DRY_RUN) != 0) {
		objects_keep(objects, object);
	} else if (released(record, object)) {
		struct json_object *gone = object_derive(object);

		owners_unlink(objects, record);
		json_object_put(record->object);
		record->object = object;
		owners_link(objects, record);
		record_remove(objects, record, gone);
	} else {
		record_update(objects, record, object);
	}
	if (ret != NULL) {
		*ret = object;
	}
	return 200;
}

int objects_replace(struct objects *objects, const struct asb_kind *kind, const char *ns,
		    const char *name, struct json_object *take, uint32_t flags,
		    struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = take;
	CLEANUP_JSON struct json_object *object = NULL;
	struct served *served = served_find(objects, kind);
	struct record *record = record_find(objects, served, ns, name);
	int status = update_check_body(served, ns, name, body, reterr);

	if (status == 0 && record == NULL) {
		status = update_not_found(served, name, reterr);
	}
	if (status == 0) {
		status = update_check_uid(served, record->object, asb_uid(body), reterr);
	}
	if (status == 0) {
		status = update_apply(served, record->object, body, flags, &object, reterr);
	}
	return status != 0 ? status : store(objects, record, TAKE(object), flags, ret);
}

/* Applies a patch to a tree. *ret is the caller's. */
static int patched(struct json_object *object, bool json_patch, struct json_object *patch,
		   struct json_object **ret, struct error *reterr)
{
	struct error error = { 0 };
	int r;

	if (!json_patch) {
		if (!json_object_is_type(patch, json_type_object)) {
			return update_fail(reterr, 400, "a merge patch must be an object");
		}
		*ret = patch_merge(object, patch);
		return 0;
	}
	if (asb_length(patch) > PATCH_OPERATIONS_MAX) {
		return update_fail(reterr, 413,
				   "a JSON patch may have %d operations, this one has %zu",
				   PATCH_OPERATIONS_MAX, asb_length(patch));
	}
	r = patch_json(object, patch, ret, &error);
	if (r == -EPROTO) {
		/* The server says no more than this. */
		return update_fail(
			reterr, 422,
			"the server rejected our request due to an error in our request");
	}
	return r < 0 ? update_fail(reterr, 400, "%s", error.text) : 0;
}

int objects_patch(struct objects *objects, const struct asb_kind *kind, const char *ns,
		  const char *name, bool json_patch, struct json_object *patch, uint32_t flags,
		  struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = NULL;
	CLEANUP_JSON struct json_object *object = NULL;
	struct served *served = served_find(objects, kind);
	struct record *record = record_find(objects, served, ns, name);
	int status;

	if (record == NULL) {
		return update_not_found(served, name, reterr);
	}
	status = patched(record->object, json_patch, patch, &body, reterr);
	if (status == 0) {
		status = update_check_body(served, ns, name, body, reterr);
	}
	if (status == 0 && (flags & OBJECTS_STATUS) == 0) {
		status = update_check_immutable(served, record->object, body, reterr);
	}
	if (status == 0) {
		status = update_apply(served, record->object, body, flags, &object, reterr);
	}
	return status != 0 ? status : store(objects, record, TAKE(object), flags, ret);
}

/* ---- delete ---- */

void record_delete(struct objects *objects, struct record *record)
{
	struct json_object *object = record->object, *copy;
	bool held = asb_length(asb_at(object, "metadata", "finalizers")) > 0,
	     graceful = record->served->graceful;
	int64_t grace = graceful ? asb_int(asb_at(object, "spec", "terminationGracePeriodSeconds"),
					   GRACE_SECONDS)
				 : 0;

	if (asb_deleting(object)) {
		return;
	}
	copy = object_derive(object);
	if (!held && !graceful) {
		record_remove(objects, record, copy);
		return;
	}
	metadata_set(copy, "deletionTimestamp", time_now(objects, grace));
	metadata_set(copy, "deletionGracePeriodSeconds", json_object_new_int64(grace));
	/* The server counts the mark as a change of what is wanted. */
	metadata_set(copy, "generation", json_object_new_int64(asb_generation(object) + 1));
	record->grace = graceful;
	record_update(objects, record, copy);
}

int objects_delete(struct objects *objects, const struct asb_kind *kind, const char *ns,
		   const char *name, const char *uid, const char *resource_version,
		   struct json_object **ret, struct error *reterr)
{
	struct served *served = served_find(objects, kind);
	struct record *record = record_find(objects, served, ns, name), *rest;
	int status;

	if (record == NULL) {
		return update_not_found(served, name, reterr);
	}
	status = update_check_uid(served, record->object, uid, reterr);
	if (status == 0 && resource_version != NULL &&
	    !asb_streq(asb_resource_version(record->object), resource_version)) {
		status = update_fail(reterr, 409,
				     "Operation cannot be fulfilled on %s \"%s\": Precondition "
				     "failed: ResourceVersion in "
				     "precondition: %s, ResourceVersion in object meta: %s",
				     served->kind.plural, name, resource_version,
				     asb_resource_version(record->object));
	}
	if (status != 0) {
		return status;
	}

	/* The record may be gone after this; its last tree is kept then. */
	record_delete(objects, record);
	rest = record_find(objects, served, ns, name);
	if (ret != NULL) {
		*ret = rest != NULL ? rest->object : objects->scratch;
	}
	return 200;
}

void objects_finish_deletion(struct objects *objects, const struct asb_kind *kind, const char *ns,
			     const char *name)
{
	struct record *record = record_find(objects, served_find(objects, kind), ns, name);

	if (record == NULL || !record->grace) {
		return;
	}

	struct json_object *copy = object_derive(record->object);

	record->grace = false;
	if (released(record, record->object)) {
		record_remove(objects, record, copy);
		return;
	}
	metadata_set(copy, "deletionGracePeriodSeconds", json_object_new_int64(0));
	record_update(objects, record, copy);
}
