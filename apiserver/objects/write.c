/* SPDX-License-Identifier: Apache-2.0 */
/* Create, replace and patch with the API server's meaning. Requests, the simulation and the fake
 * host call it; apiserver/objects/update.c knows what an update may change. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/update.h"
#include "apiserver/objects/write.h"
#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"
#include "kube/patch.h"

#define GENERATE_TRIES 8 /* as kube-apiserver */

/* ---- create ---- */

static struct json_object *write_new_uid(struct objects *objects)
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

/* Makes metadata.name from metadata.generateName. */
static void write_generate_name(struct objects *objects, const struct resource *resource,
				const char *ns, struct json_object *object, const char *prefix)
{
	char random[254], name[254];

	for (int i = 0; i < GENERATE_TRIES; i++) {
		asb_random_name(objects->config.random(objects->config.arg), "", random);
		snprintf(name, sizeof(name), "%.58s%.5s", prefix, random + 1);
		if (record_find(objects, resource, ns, name) == NULL) {
			break;
		}
	}
	metadata_set(object, "name", json_object_new_string(name));
}

/* A namespace lives until its content is gone: the finalizer of its spec. */
static void write_stamp_namespace(struct json_object *object)
{
	struct json_object *finalizers = json_object_new_array();

	json_object_array_add(finalizers, json_object_new_string("kubernetes"));
	json_object_object_add(asb_object_in(object, "spec"), "finalizers", finalizers);
	asb_set_str(asb_object_in(object, "status"), "phase", "Active");
	asb_set_label(object, "kubernetes.io/metadata.name", asb_name(object));
}

/* What the server decides about a new object. */
static void write_stamp_new(struct objects *objects, const struct resource *resource,
			    const char *ns, uint32_t flags, struct json_object *object)
{
	struct json_object *metadata = asb_at(object, "metadata");
	bool as_given = (flags & OBJECTS_AS_GIVEN) != 0;
	char version[160];

	kind_api_version(&resource->kind, version);
	if (asb_str(object, "apiVersion") == NULL) {
		asb_set_str(object, "apiVersion", version);
	}
	asb_set_str(object, "kind", resource->kind.kind);
	if (*ns != '\0') {
		asb_set_str(metadata, "namespace", ns);
	}
	if (!as_given || asb_uid(object) == NULL) {
		json_object_object_add(metadata, "uid", write_new_uid(objects));
	}
	if (!as_given || asb_str(metadata, "creationTimestamp") == NULL) {
		json_object_object_add(metadata, "creationTimestamp", time_now(objects, 0));
	}
	json_object_object_del(metadata, "generation");
	if (!resource->options.no_generation) {
		json_object_object_add(metadata, "generation", json_object_new_int64(1));
	}
	json_object_object_del(metadata, "resourceVersion");
	json_object_object_del(metadata, "deletionTimestamp");
	json_object_object_del(metadata, "deletionGracePeriodSeconds");
	if (objects->policy->drops_managed_fields) {
		json_object_object_del(metadata, "managedFields");
	}
	if (resource->options.status) {
		json_object_object_del(object, "status");
	}
	if (objects->policy->namespaces && strcmp(resource->id, "/Namespace") == 0) {
		write_stamp_namespace(object);
	}
}

/* Enters a new object, or shows what it would be. */
static int write_store_new(struct objects *objects, struct resource *resource,
			   struct json_object *take_object, uint32_t flags,
			   struct json_object **ret, struct error *reterr)
{
	struct objects_state *state = NULL;
	struct record *record = NULL;
	struct json_object *kept;
	int status;

	if ((flags & OBJECTS_DRY_RUN) != 0) {
		status = state_create(objects, resource, take_object, &state, reterr);
		kept = status == 0 ? objects_keep(objects, state) : NULL;
	} else {
		status = record_add(objects, resource, take_object, &record, reterr);
		kept = status == 0 ? record_tree(objects, record) : NULL;
	}
	if (status != 0) {
		return status;
	}
	objects->response = record != NULL ? record->state : state;
	if (ret != NULL) {
		*ret = kept;
	}
	return 201;
}

int write_create(struct objects *objects, const struct asb_kind *kind, const char *ns,
		 struct json_object *take, const struct write_options *options,
		 struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *object = take;
	struct resource *resource = resource_find(objects, kind);
	int status = update_check_body(resource, ns, NULL, object, reterr);

	if (status == 0) {
		status = update_check_text(resource, NULL, object, reterr);
	}
	if (status != 0) {
		return status;
	}
	if ((options->flags & OBJECTS_STATUS) != 0) {
		return objects_fail(
			reterr, 405,
			"the server does not allow this method on the requested resource");
	}
	/* Its length counts: a text that begins with a NUL is not empty. */
	if (json_object_get_string_len(asb_at(object, "metadata", "resourceVersion")) > 0) {
		return objects_fail(reterr, 400,
				    "resourceVersion should not be set on objects to be created");
	}

	status = update_check_namespace(objects, resource, ns, object, reterr);
	if (status != 0) {
		return status;
	}

	const char *name = asb_name(object), *prefix = asb_str(object, "metadata", "generateName");

	if ((name == NULL || *name == '\0') && prefix != NULL && *prefix != '\0') {
		write_generate_name(objects, resource, ns, object, prefix);
		name = asb_name(object);
	}
	status = update_check_new(resource, object, reterr);
	if (status != 0) {
		return status;
	}
	if (record_find(objects, resource, ns, name) != NULL) {
		return refusal_already_exists(resource, name, reterr);
	}
	write_stamp_new(objects, resource, ns, options->flags, object);
	if ((options->flags & OBJECTS_AS_GIVEN) != 0 &&
	    map_get(&objects->by_uid, asb_uid(object)) != NULL) {
		return objects_fail(reterr, 409, "another object has the uid '%s'",
				    asb_uid(object));
	}
	status = update_admit(objects, resource, ns, "", NULL, object, options, reterr);
	return status != 0 ? status
			   : write_store_new(objects, resource, TAKE(object), options->flags, ret,
					     reterr);
}

int objects_create_object(struct objects *objects, const struct asb_kind *kind, const char *ns,
			  struct json_object *take, uint32_t flags, struct json_object **ret,
			  struct error *reterr)
{
	const struct write_options options = { .flags = flags };

	return write_create(objects, kind, ns, take, &options, ret, reterr);
}

/* ---- replace and patch ---- */

/* Removes an object whose last hold a request took away. What it made is handed out. */
static int write_store_last(struct objects *objects, struct record *record,
			    struct json_object *take_object, struct json_object **ret,
			    struct error *reterr)
{
	CLEANUP(objects_state_release) struct objects_state *made = NULL;
	struct resource *resource = record->resource;
	struct json_object *gone = object_derive(take_object);
	int status = state_create(objects, resource, take_object, &made, reterr);

	if (status != 0) {
		json_object_put(gone);
		return status;
	}
	status = record_remove(objects, record, gone, reterr);
	if (status != 0) {
		return status;
	}
	made->version = objects->version;
	*ret = objects_keep(objects, TAKE(made));
	return 200;
}

/* Stores what a request made of an object. */
static int write_store(struct objects *objects, struct record *record,
		       struct json_object *take_object, uint32_t flags, struct json_object **ret,
		       struct error *reterr)
{
	CLEANUP_JSON struct json_object *object = take_object;
	CLEANUP(objects_state_release) struct objects_state *state = NULL;
	struct json_object *kept = NULL;
	int status = state_check_memory(objects, reterr);

	objects->response = record->state;
	if (status != 0) {
		return status;
	}
	if (json_object_equal(record_tree(objects, record), object)) {
		kept = record_tree(objects, record);
	} else if ((flags & OBJECTS_DRY_RUN) != 0) {
		status = state_create(objects, record->resource, TAKE(object), &state, reterr);
		kept = status == 0 ? objects_keep(objects, TAKE(state)) : NULL;
		objects->response = objects->scratch;
	} else if (record_released(objects, record, object)) {
		status = write_store_last(objects, record, TAKE(object), &kept, reterr);
		status = status == 200 ? 0 : status;
		objects->response = objects->scratch;
	} else {
		status = record_update(objects, record, TAKE(object), reterr);
		kept = status == 0 ? record_tree(objects, record) : NULL;
		objects->response = record->state;
	}
	if (status != 0) {
		return status;
	}
	if (ret != NULL) {
		*ret = kept;
	}
	return 200;
}

int write_replace(struct objects *objects, const struct asb_kind *kind, const char *ns,
		  const char *name, struct json_object *take, const struct write_options *options,
		  struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = take;
	CLEANUP_JSON struct json_object *old = NULL;
	CLEANUP_JSON struct json_object *object = NULL;
	struct resource *resource = resource_find(objects, kind);
	struct record *record = record_find(objects, resource, ns, name);
	int status = update_check_body(resource, ns, name, body, reterr);

	if (status == 0 && record == NULL) {
		status = refusal_not_found(resource, name, reterr);
	}
	if (status == 0) {
		old = state_hold(objects, record->state);
		status = update_check_same_uid(resource, old, body, reterr);
	}
	if (status == 0) {
		status = update_check_text(resource, old, body, reterr);
	}
	if (status == 0) {
		status = update_apply(objects, resource, old, body, options, &object, reterr);
	}
	return status != 0
		       ? status
		       : write_store(objects, record, TAKE(object), options->flags, ret, reterr);
}

int objects_replace(struct objects *objects, const struct asb_kind *kind, const char *ns,
		    const char *name, struct json_object *take, uint32_t flags,
		    struct json_object **ret, struct error *reterr)
{
	const struct write_options options = { .flags = flags };

	return write_replace(objects, kind, ns, name, take, &options, ret, reterr);
}

int write_patch_tree(struct json_object *object, bool json_patch, struct json_object *patch,
		     struct json_object **ret, struct error *reterr)
{
	struct error error = { 0 };
	int code;

	if (!json_patch) {
		if (!json_object_is_type(patch, json_type_object)) {
			return objects_fail(reterr, 400, "a merge patch must be an object");
		}
		*ret = patch_merge(object, patch);
		return 0;
	}
	if (asb_length(patch) > PATCH_OPERATIONS_MAX) {
		return objects_fail(reterr, 413,
				    "a JSON patch may have %d operations, this one has %zu",
				    PATCH_OPERATIONS_MAX, asb_length(patch));
	}
	code = patch_json(object, patch, ret, &error);
	if (code == -E2BIG) {
		return objects_fail(reterr, 413, "Request entity too large: %s", error.text);
	}
	if (code == -EPROTO) {
		/* The server says no more than this. */
		return objects_fail(
			reterr, 422,
			"the server rejected our request due to an error in our request");
	}
	return code < 0 ? objects_fail(reterr, 400, "%s", error.text) : 0;
}

int write_patched(struct objects *objects, struct record *record, struct json_object *take_body,
		  const struct write_options *options, struct json_object **ret,
		  struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = take_body;
	CLEANUP_JSON struct json_object *old = state_hold(objects, record->state);
	CLEANUP_JSON struct json_object *object = NULL;
	struct resource *resource = record->resource;
	int status = update_check_body(resource, asb_ns(old), asb_name(old), body, reterr);

	if (status == 0 && (options->flags & OBJECTS_STATUS) == 0) {
		status = update_check_immutable(resource, old, body, reterr);
	}
	if (status == 0) {
		status = update_apply(objects, resource, old, body, options, &object, reterr);
	}
	return status != 0
		       ? status
		       : write_store(objects, record, TAKE(object), options->flags, ret, reterr);
}

int objects_patch(struct objects *objects, const struct asb_kind *kind, const char *ns,
		  const char *name, bool json_patch, struct json_object *patch, uint32_t flags,
		  struct json_object **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = NULL;
	struct resource *resource = resource_find(objects, kind);
	struct record *record = record_find(objects, resource, ns, name);
	const struct write_options options = { .flags = flags };
	int status;

	if (record == NULL) {
		return refusal_not_found(resource, name, reterr);
	}
	status = write_patch_tree(record_tree(objects, record), json_patch, patch, &body, reterr);
	if (status == 0) {
		status = update_check_text(resource, record_tree(objects, record), body, reterr);
	}
	return status != 0 ? status
			   : write_patched(objects, record, TAKE(body), &options, ret, reterr);
}
