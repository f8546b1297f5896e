/* SPDX-License-Identifier: Apache-2.0 */
/* Deletions of one object and of collections, with their options. The API calls it for DELETE on
 * kinds. */
#include "config.h"

#include "base/json.h"
#include "base/memory.h"
#include "local/api-private.h"
#include "local/status.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

static bool take_propagation(struct api_call *call, const char *text, enum objects_propagation *ret)
{
	static const struct {
		const char *text;
		enum objects_propagation value;
	} policies[] = {
		{ "Background", OBJECTS_BACKGROUND },
		{ "Foreground", OBJECTS_FOREGROUND },
		{ "Orphan", OBJECTS_ORPHAN },
	};

	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		if (strcmp(text, policies[i].text) == 0) {
			*ret = policies[i].value;
			return true;
		}
	}
	call_fail(call, 422, NULL,
		  "propagationPolicy: Unsupported value: \"%.64s\": supported values: "
		  "\"Background\", \"Foreground\", \"Orphan\"",
		  text);
	return false;
}

/* DeleteOptions come in the body; what is missing there, in the query. */
static bool take_options(struct api_call *call, struct objects_delete_options *options)
{
	struct json_object *body = call->body, *dry_run = asb_array(body, "dryRun");
	char *policy_query CLEANUP_FREE = call_query(call, "propagationPolicy");
	const char *policy = asb_str(body, "propagationPolicy");
	bool orphan = query_true(call->request->query, "orphanDependents", false) ||
		      asb_true(asb_at(body, "orphanDependents"));

	*options = (struct objects_delete_options){ .grace = -1 };
	if (call_query_integer(call, "gracePeriodSeconds", 0, INT32_MAX, &options->grace) < 0) {
		return false;
	}
	options->grace = asb_int(asb_at(body, "gracePeriodSeconds"), options->grace);
	options->uid = asb_str(body, "preconditions", "uid");
	options->resource_version = asb_str(body, "preconditions", "resourceVersion");
	options->propagation = orphan ? OBJECTS_ORPHAN : OBJECTS_BACKGROUND;
	call->dry_run = call->dry_run || asb_length(dry_run) > 0;
	options->dry_run = call->dry_run;
	if (policy == NULL) {
		policy = policy_query;
	}
	return policy == NULL || *policy == '\0' ||
	       take_propagation(call, policy, &options->propagation);
}

/* Typed clients know by the kind whether to expect the object or a Status. */
static bool shows_deleted(const struct api_call *call)
{
	static const char *const plurals[] = { "persistentvolumeclaims", "pods", "serviceaccounts",
					       "services" };

	for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
		if (*call->kind.group == '\0' && strcmp(call->kind.plural, plurals[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* What was removed is told by a Status; what is only marked is shown. */
static void answer(struct api_call *call, const struct objects_state *state, bool exists)
{
	if (exists || shows_deleted(call)) {
		print_object(call, 200, state);
		return;
	}

	size_t length = 0;
	const char *text = objects_state_text(state, &length);
	CLEANUP_JSON struct json_object *object = json_parse(text, length, NULL);
	struct status_details details = { .name = objects_state_name(state),
					  .group = call->kind.group,
					  .kind = call->kind.plural,
					  .uid = asb_uid(object) };

	call_answer_tree(call, 200, status_success(&details));
}

static void delete_one(struct api_call *call, const struct objects_delete_options *options)
{
	struct api *api = call->api;
	struct request request = { .kind = &call->kind,
				   .ns = call->route.ns,
				   .name = call->route.name,
				   .subresource = "",
				   .dry_run = call->dry_run };
	CLEANUP(objects_state_release) struct objects_state *state = NULL;
	struct error error = { 0 };
	bool exists = false;
	int status = 0;

	{
		LOCKED(&api->lock);
		status = request_delete(api->objects, &request, options, &state, &error);
		exists = status == 200 &&
			 (call->dry_run || objects_state_of(api->objects, &call->kind, request.ns,
							    request.name) == state);
		world_written(api);
	}
	if (status == 200 || status == 202) {
		answer(call, state, exists);
	} else {
		call_fail_with(call, status, &error);
	}
}

static void delete_all(struct api_call *call, const struct objects_delete_options *options)
{
	struct api *api = call->api;
	struct request request = { .kind = &call->kind,
				   .ns = call->route.ns,
				   .name = "",
				   .subresource = "",
				   .dry_run = call->dry_run };
	struct list_page page = { 0 };
	struct selector *selector = NULL;
	struct error error = { 0 };
	int status = 0;

	{
		LOCKED(&api->lock);

		if (!read_selector(call, &selector)) {
			return;
		}
		status = request_delete_collection(api->objects, &request, selector, options, &page,
						   &error);
		world_written(api);
	}
	if (status == 200) {
		print_list(call, &page);
		list_page_finish(&page);
	} else {
		call_fail_with(call, status, &error);
	}
	selector_destroy(selector);
}

void delete_handle(struct api_call *call)
{
	struct objects_delete_options options;

	if (call->request->length > 0 && !body_parse(call)) {
		return;
	}
	if (!take_options(call, &options)) {
		return;
	}
	if (*call->route.name != '\0') {
		delete_one(call, &options);
	} else {
		delete_all(call, &options);
	}
}
