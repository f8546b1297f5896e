/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs with dry runs, subresources and the two forms of events. The API server's handlers
 * call it under their lock; apiserver/objects does the work. */
#include "config.h"

#include "apiserver/requests/requests.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/refusal.h"
#include "apiserver/objects/update.h"
#include "apiserver/objects/write.h"
#include "apiserver/requests/event-shape.h"
#include "apiserver/requests/namespace.h"
#include "apiserver/requests/scale.h"
#include "apiserver/requests/strategic.h"
#include "apiserver/requests/subresource.h"
#include "base/json-scan.h"
#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"

#define OLD_EVENTS_MS 10000 /* between two looks for old events */

bool request_is(const struct request *request, const char *kind_id)
{
	char id[KEY_MAX];

	snprintf(id, sizeof(id), "%s/%s", request->kind->group, request->kind->kind);
	return strcmp(id, kind_id) == 0;
}

static bool request_is_subresource(const struct request *request, const char *name)
{
	return request->subresource != NULL && strcmp(request->subresource, name) == 0;
}

static bool request_is_main(const struct request *request)
{
	return request->subresource == NULL || *request->subresource == '\0';
}

static struct write_options request_write_options_of(const struct request *request)
{
	return (struct write_options){
		.flags = (request->dry_run ? OBJECTS_DRY_RUN : 0) |
			 (request_is_subresource(request, "status") ? OBJECTS_STATUS : 0),
		.caller = request->caller,
	};
}

/* Hands out the state of the last write, after a success. */
static int request_hand_out(struct objects *objects, int status, struct objects_state **ret)
{
	if ((status == 200 || status == 201) && ret != NULL) {
		*ret = objects_state_ref(objects->response);
	}
	return status;
}

/* A body in the version and form in which it is stored. */
static struct json_object *request_stored_body(const struct resource *resource,
					       const struct request *request,
					       struct json_object *take)
{
	char version[160];
	struct json_object *body = take;

	if (!json_object_is_type(take, json_type_object)) {
		return take;
	}
	if (event_is_other(request->kind)) {
		body = event_to_core(take);
		json_object_put(take);
	}
	kind_api_version(&resource->kind, version);
	asb_set_str(body, "apiVersion", version);
	return body;
}

/* A record of the request, or NULL and *ret_status. */
static struct record *request_find(struct objects *objects, const struct request *request,
				   int *ret_status, struct error *reterr)
{
	const struct resource *resource = resource_find(objects, request->kind);
	struct record *record = record_find(objects, resource, request->ns, request->name);

	if (record == NULL) {
		*ret_status = refusal_not_found(resource, request->name, reterr);
	}
	return record;
}

static int request_scale_response(struct objects *objects, struct record *record,
				  struct objects_state **ret, struct error *reterr)
{
	struct json_object *scale =
		scale_of(&record->resource->options, record_tree(objects, record));

	if (scale == NULL) {
		return refusal_not_found(NULL, "", reterr);
	}
	if (ret != NULL) {
		*ret = state_of_text(scale);
	} else {
		json_object_put(scale);
	}
	return 200;
}

int request_get(struct objects *objects, const struct request *request, struct objects_state **ret,
		struct error *reterr)
{
	int status = 404;
	struct record *record = request_find(objects, request, &status, reterr);

	if (record == NULL) {
		return status;
	}
	if (request_is_subresource(request, "scale")) {
		return request_scale_response(objects, record, ret, reterr);
	}
	if (!request_is_main(request) &&
	    !(request_is_subresource(request, "status") && record->resource->options.status)) {
		return refusal_not_found(NULL, "", reterr);
	}
	*ret = objects_state_ref(record->state);
	return 200;
}

int request_create(struct objects *objects, const struct request *request, struct json_object *take,
		   struct objects_state **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = take;
	const struct resource *resource = resource_find(objects, request->kind);
	const struct write_options options = request_write_options_of(request);
	int status;

	if (resource == NULL) {
		return refusal_not_found(NULL, "", reterr);
	}
	if (request_is_subresource(request, "binding") && request_is(request, "/Pod")) {
		return subresource_bind(objects, request, body, ret, reterr);
	}
	if (request_is_subresource(request, "eviction") && request_is(request, "/Pod")) {
		return subresource_evict(objects, request, body, ret, reterr);
	}
	if (request_is_subresource(request, "token") && request_is(request, "/ServiceAccount")) {
		return subresource_token(objects, request, body, ret, reterr);
	}
	if (!request_is_main(request)) {
		return objects_fail(
			reterr, 405,
			"the server does not allow this method on the requested resource");
	}
	body = request_stored_body(resource, request, TAKE(body));
	status = request_hand_out(objects,
				  write_create(objects, &resource->kind, request->ns, TAKE(body),
					       &options, NULL, reterr),
				  ret);
	if (status == 201 && !request->dry_run && request_is(request, "/Namespace")) {
		/* The response is still in its record: the writes below are of other objects. */
		CLEANUP_FREE char *name = xstrdup(objects_state_name(objects->response));

		namespace_fill(objects, name, NULL);
	}
	return status;
}

/* Writes the replicas that a Scale wants; the response is the Scale after it. */
static int request_write_scale(struct objects *objects, const struct request *request,
			       struct record *record, struct json_object *scale,
			       struct objects_state **ret, struct error *reterr)
{
	const struct write_options options = request_write_options_of(request);
	struct json_object *body = NULL, *after = NULL;
	int status = scale_apply(&record->resource->options, record_tree(objects, record), scale,
				 &body, reterr);

	if (status == 0) {
		status = write_patched(objects, record, body, &options, &after, reterr);
	}
	if (status == 200 && ret != NULL) {
		*ret = state_of_text(scale_of(&record->resource->options, after));
	}
	return status;
}

int request_replace(struct objects *objects, const struct request *request,
		    struct json_object *take, struct objects_state **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = take;
	const struct write_options options = request_write_options_of(request);
	int status = 404;
	struct record *record = request_find(objects, request, &status, reterr);

	if (record == NULL) {
		return status;
	}
	if (request_is_subresource(request, "scale")) {
		return request_write_scale(objects, request, record, body, ret, reterr);
	}
	if (!request_is_main(request) && !request_is_subresource(request, "status")) {
		return refusal_not_found(NULL, "", reterr);
	}
	body = request_stored_body(record->resource, request, TAKE(body));
	return request_hand_out(objects,
				write_replace(objects, &record->resource->kind, request->ns,
					      request->name, TAKE(body), &options, NULL, reterr),
				ret);
}

/* ---- patches ---- */

static int request_apply_patch(const struct request *request, const struct resource *resource,
			       enum patch_type type, struct json_object *target,
			       struct json_object *patch, struct json_object **ret,
			       struct error *reterr)
{
	if (type == PATCH_STRATEGIC && resource->options.custom &&
	    !request_is_subresource(request, "scale")) {
		return objects_fail(
			reterr, 415,
			"the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
	}
	if (type == PATCH_STRATEGIC) {
		return strategic_merge(request->kind, target, patch, ret, reterr);
	}
	return write_patch_tree(target, type == PATCH_JSON, patch, ret, reterr);
}

int request_patch(struct objects *objects, const struct request *request, enum patch_type type,
		  struct json_object *patch, struct objects_state **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *target = NULL;
	CLEANUP_JSON struct json_object *body = NULL;
	const struct write_options options = request_write_options_of(request);
	bool of_scale = request_is_subresource(request, "scale");
	int status = 404;
	struct record *record = request_find(objects, request, &status, reterr);

	if (record == NULL) {
		return status;
	}
	target = state_hold(objects, record->state);
	if (of_scale || event_is_other(request->kind)) {
		struct json_object *shaped = of_scale ? scale_of(&record->resource->options, target)
						      : event_to_other(target);

		json_object_put(target);
		target = shaped;
	}
	if (target == NULL || (!of_scale && !request_is_main(request) &&
			       !request_is_subresource(request, "status"))) {
		return refusal_not_found(NULL, "", reterr);
	}
	status = request_apply_patch(request, record->resource, type, target, patch, &body, reterr);
	if (status == 0) {
		status = update_check_text(record->resource, target, body, reterr);
	}
	if (status != 0) {
		return status;
	}
	if (of_scale) {
		return request_write_scale(objects, request, record, body, ret, reterr);
	}
	body = request_stored_body(record->resource, request, TAKE(body));
	return request_hand_out(
		objects, write_patched(objects, record, TAKE(body), &options, NULL, reterr), ret);
}

/* ---- deletions ---- */

int request_delete(struct objects *objects, const struct request *request,
		   const struct objects_delete_options *options, struct objects_state **ret,
		   struct error *reterr)
{
	struct objects_delete_options own = *options;
	int status = 0;

	own.dry_run = options->dry_run || request->dry_run;
	if (!request_is_main(request)) {
		return objects_fail(
			reterr, 405,
			"the server does not allow this method on the requested resource");
	}
	if (request_is(request, "/Namespace")) {
		status = namespace_check_delete(request->name, reterr);
	}
	if (status != 0) {
		return status;
	}
	return request_hand_out(objects,
				objects_delete_with(objects, request->kind, request->ns,
						    request->name, &own, NULL, reterr),
				ret);
}

int request_delete_listed(struct objects *objects, const struct request *request,
			  const struct list_page *page,
			  const struct objects_delete_options *options, size_t *at,
			  struct error *reterr)
{
	uint64_t until = objects->work + STEPS_AT_ONCE;
	int status = 200;

	while (status == 200 && *at < page->count && !objects_worked(objects, until)) {
		const struct objects_state *state = page->states[(*at)++];
		struct request one = *request;

		one.ns = objects_state_ns(state);
		one.name = objects_state_name(state);
		objects->work += STEPS_OF_WRITE / 10; /* also where nothing is written */
		status = request_delete(objects, &one, options, NULL, reterr);
		/* The deletion of another object, or another request, may have removed it already. */
		status = status == 404 ? 200 : status;
	}
	return status;
}

int request_delete_collection(struct objects *objects, const struct request *request,
			      const struct list_options *list,
			      const struct objects_delete_options *options,
			      struct list_page *ret_page, struct error *reterr)
{
	struct list_page page = { 0 };
	size_t at = 0;
	int status = list_read(objects, request->kind, list, &page, reterr);

	while (status == 200 && at < page.count) {
		status = request_delete_listed(objects, request, &page, options, &at, reterr);
	}
	if (status == 200 && ret_page != NULL) {
		*ret_page = page;
	} else {
		list_page_finish(&page);
	}
	return status;
}

/* ---- answers ---- */

static int request_other_event_text(const struct objects_state *state, struct buf *out)
{
	CLEANUP_JSON struct json_object *tree = json_parse(state->data, state->length, NULL);
	CLEANUP_JSON struct json_object *other = tree != NULL ? event_to_other(tree) : NULL;

	return other != NULL ? json_print(other, out) : -1;
}

int request_text(const struct asb_kind *kind, const struct objects_state *state, struct buf *out)
{
	static const char *const names[] = { "apiVersion", "kind" };
	struct json_span spans[2] = { { 0 } };
	char version[160], quoted[164], own[160];

	if (json_scan_members(state->data, state->length, names, 2, spans) < 0 ||
	    spans[0].start == NULL || spans[1].start == NULL ||
	    snprintf(own, sizeof(own), "\"%s\"", kind->kind) != (int)spans[1].length ||
	    memcmp(own, spans[1].start, spans[1].length) != 0) {
		return buf_append(out, state->data, state->length);
	}
	if (event_is_other(kind)) {
		return request_other_event_text(state, out);
	}
	kind_api_version(kind, version);
	snprintf(quoted, sizeof(quoted), "\"%s\"", version);

	const char *behind = spans[0].start + spans[0].length;

	buf_append(out, state->data, (size_t)(spans[0].start - state->data));
	buf_append_str(out, quoted);
	return buf_append(out, behind, (size_t)(state->data + state->length - behind));
}

/* ---- time ---- */

/* Removes the events that were not written for EVENT_TTL_MS. Whether some of them are left. */
static bool request_remove_old_events(struct objects *objects)
{
	static const struct asb_kind kind = { "", "v1", "events", "Event" };
	const struct objects_delete_options options = { .grace = -1 };
	struct resource *resource = resource_find(objects, &kind);
	int64_t now = objects->config.now_ms(objects->config.arg);
	uint64_t until = objects->work + STEPS_AT_ONCE;

	if (now < objects->old_events_ms) {
		return false;
	}
	for (size_t i = resource != NULL ? resource->count : 0; i-- > 0;) {
		struct record *record = resource->records[i];

		if (now - record->state->at_ms <= EVENT_TTL_MS || record->deleting) {
			continue;
		}
		if (objects_worked(objects, until)) {
			return true;
		}
		if (record_delete(objects, record, &options, NULL) != 0) {
			break; /* the disk is full: a later pass tries again */
		}
	}
	objects->old_events_ms = now + OLD_EVENTS_MS;
	return false;
}

bool request_tick(struct objects *objects)
{
	bool more = request_remove_old_events(objects);

	more = objects_collect_some(objects) || more;
	more = namespace_tick(objects) || more;
	history_bound(objects);
	if (objects->version == objects->tick_version) {
		state_trees_finish(objects); /* without writes the cached trees only take memory */
	}
	objects->tick_version = objects->version;
	return more;
}

int request_bootstrap(struct objects *objects, const char *ca, struct error *reterr)
{
	return namespace_bootstrap(objects, ca, reterr);
}
