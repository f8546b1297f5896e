/* SPDX-License-Identifier: Apache-2.0 */
/* Deletions: preconditions, grace periods, finalizers, and what becomes of dependents. Requests,
 * the garbage collector and the end of namespaces call it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/orphan.h"
#include "apiserver/objects/update.h"
#include "base/json.h"
#include "base/memory.h"

bool record_released(const struct objects *objects, const struct record *record,
		     struct json_object *object)
{
	return asb_deleting(object) && !objects->policy->held(record, object) &&
	       asb_length(asb_at(object, "metadata", "finalizers")) == 0;
}

/* A second deletion may shorten the grace period of the first. */
static int delete_mark_again(struct objects *objects, struct record *record,
			     struct json_object *object, int64_t asked, struct error *reterr)
{
	int64_t grace = asb_int(asb_at(object, "metadata", "deletionGracePeriodSeconds"), 0), at;
	struct json_object *copy;

	if (!objects->policy->shortens_grace || !record->resource->options.graceful || asked < 0 ||
	    asked >= grace) {
		return 0;
	}
	copy = object_derive(object);
	metadata_set(copy, "deletionGracePeriodSeconds", json_object_new_int64(asked));
	if (asb_time_parse(asb_str(object, "metadata", "deletionTimestamp"), &at)) {
		char text[21];

		asb_time_format(at - (grace - asked) * 1000, text);
		metadata_set(copy, "deletionTimestamp", json_object_new_string(text));
	}
	return record_released(objects, record, copy)
		       ? record_remove(objects, record, copy, reterr)
		       : record_update(objects, record, copy, reterr);
}

/* Adds a finalizer that the garbage collector takes away. */
static void delete_add_finalizer(struct json_object *object, const char *finalizer)
{
	struct json_object *old = asb_array(object, "metadata", "finalizers"),
			   *finalizers = json_object_new_array();

	for (size_t i = 0; i < asb_length(old); i++) {
		json_object_array_add(finalizers,
				      json_object_get(json_object_array_get_idx(old, i)));
	}
	json_object_array_add(finalizers, json_object_new_string(finalizer));
	metadata_set(object, "finalizers", finalizers);
}

/* Sets the phase of a namespace that ends. */
static void delete_mark_namespace(struct json_object *object)
{
	struct json_object *status = asb_copy(asb_at(object, "status"));

	if (status == NULL) {
		status = json_object_new_object();
	}
	asb_set_str(status, "phase", "Terminating");
	json_object_object_add(object, "status", status);
}

int record_delete(struct objects *objects, struct record *record,
		  const struct objects_delete_options *options, struct error *reterr)
{
	CLEANUP_JSON struct json_object *object = state_hold(objects, record->state);
	bool foreground =
		options->propagation == OBJECTS_FOREGROUND && owners_blocked(objects, record);
	bool content = objects->policy->namespaces &&
		       asb_length(asb_array(object, "spec", "finalizers")) > 0;
	bool orphans = false; /* more than are orphaned at once: the collector goes on */
	int64_t grace = 0;
	bool graceful = objects->policy->grace(record, object, options->grace, &grace);
	struct json_object *copy;
	int status;

	if (asb_deleting(object)) {
		return delete_mark_again(objects, record, object, options->grace, reterr);
	}
	if (options->propagation == OBJECTS_ORPHAN) {
		status = orphan_dependents(objects, record, objects->work + STEPS_AT_ONCE, &orphans,
					   reterr);
		if (status != 0) {
			return status;
		}
	}
	copy = object_derive(object);
	if (asb_length(asb_at(object, "metadata", "finalizers")) == 0 && !foreground && !content &&
	    !orphans && !graceful) {
		return record_remove(objects, record, copy, reterr);
	}
	metadata_set(copy, "deletionTimestamp", time_now(objects, grace));
	metadata_set(copy, "deletionGracePeriodSeconds", json_object_new_int64(grace));
	/* The real server counts the mark as a change of the spec. */
	if (!record->resource->options.no_generation) {
		metadata_set(copy, "generation", json_object_new_int64(asb_generation(object) + 1));
	}
	if (foreground) {
		delete_add_finalizer(copy, FOREGROUND_FINALIZER);
	}
	if (orphans) {
		delete_add_finalizer(copy, ORPHAN_FINALIZER);
	}
	if (content) {
		delete_mark_namespace(copy);
	}
	status = record_update(objects, record, copy, reterr);
	if (status == 0) {
		record->grace = graceful || content;
	}
	return status;
}

static int delete_check_preconditions(struct objects *objects, struct record *record,
				      const struct objects_delete_options *options,
				      struct error *reterr)
{
	struct json_object *object = record_tree(objects, record);
	const char *version = asb_resource_version(object);
	int status = update_check_uid(record->resource, object, options->uid, reterr);

	if (status == 0 && options->resource_version != NULL &&
	    !asb_streq(version, options->resource_version)) {
		status = objects_fail(
			reterr, 409,
			"Operation cannot be fulfilled on %s \"%s\": Precondition failed: ResourceVersion in precondition: %.64s, ResourceVersion in object meta: %s",
			record->resource->kind.plural, asb_name(object), options->resource_version,
			version);
	}
	return status;
}

int objects_delete_with(struct objects *objects, const struct asb_kind *kind, const char *ns,
			const char *name, const struct objects_delete_options *options,
			struct json_object **ret, struct error *reterr)
{
	struct resource *resource = resource_find(objects, kind);
	struct record *record = record_find(objects, resource, ns, name), *rest;
	int status;

	if (record == NULL) {
		return refusal_not_found(resource, name, reterr);
	}
	status = delete_check_preconditions(objects, record, options, reterr);
	if (status == 0 && !options->dry_run) {
		status = record_delete(objects, record, options, reterr);
	}
	if (status != 0) {
		return status;
	}

	/* The record may be gone after this; its last state is kept then. */
	rest = record_find(objects, resource, ns, name);
	objects->response = rest != NULL ? rest->state : objects->scratch;
	if (ret != NULL) {
		*ret = state_tree(objects, objects->response);
	}
	return 200;
}

int objects_delete(struct objects *objects, const struct asb_kind *kind, const char *ns,
		   const char *name, const char *uid, const char *resource_version,
		   struct json_object **ret, struct error *reterr)
{
	return objects_delete_with(objects, kind, ns, name,
				   &(struct objects_delete_options){
					   .uid = uid,
					   .resource_version = resource_version,
					   .grace = -1,
				   },
				   ret, reterr);
}

void objects_finish_deletion(struct objects *objects, const struct asb_kind *kind, const char *ns,
			     const char *name)
{
	struct record *record = record_find(objects, resource_find(objects, kind), ns, name);

	if (record == NULL || !record->grace) {
		return;
	}

	CLEANUP_JSON struct json_object *object = state_hold(objects, record->state);
	struct json_object *copy = object_derive(object);

	metadata_set(copy, "deletionGracePeriodSeconds", json_object_new_int64(0));
	record->grace = false;
	if (record_released(objects, record, copy)) {
		if (record_remove(objects, record, copy, NULL) != 0) {
			record->grace = true; /* the disk is full: the next attempt removes it */
		}
		return;
	}
	record_update(objects, record, copy, NULL);
}
