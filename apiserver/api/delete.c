/* SPDX-License-Identifier: Apache-2.0 */
/* Deletions of one object and of collections, with their options. The API calls it for DELETE on
 * kinds. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/objects/status.h"
#include "base/json.h"
#include "base/memory.h"

#define PAUSE_US 1000 /* between two parts of a deletion of many objects */

/* ---- options: each false means that the call has failed ---- */

static bool delete_fail_type(struct api_call *call, const char *name, const char *wanted)
{
	call_fail(call, 400, NULL, "DeleteOptions.%s: must be %s", name, wanted);
	return false;
}

/* A member of the body, NULL where it is null or not there. */
static bool delete_take_member(struct api_call *call, struct json_object *from, const char *name,
			       enum json_type type, const char *wanted, struct json_object **ret)
{
	*ret = NULL;
	json_object_object_get_ex(from, name, ret);
	if (*ret == NULL) {
		return true;
	}
	return json_object_is_type(*ret, type) || delete_fail_type(call, name, wanted);
}

static bool delete_take_text(struct api_call *call, struct json_object *from, const char *name,
			     const char **text)
{
	struct json_object *value;

	if (!delete_take_member(call, from, name, json_type_string, "a string", &value)) {
		return false;
	}
	if (value == NULL) {
		return true;
	}
	/* A comparison would end at the NUL. */
	if (json_has_nul(value)) {
		return delete_fail_type(call, name, "a string without NUL");
	}
	*text = asb_as_str(value);
	return true;
}

static bool delete_take_propagation(struct api_call *call, const char *text, bool orphan,
				    enum objects_propagation *ret)
{
	static const struct {
		const char *text;
		enum objects_propagation value;
	} policies[] = {
		{ "Background", OBJECTS_BACKGROUND },
		{ "Foreground", OBJECTS_FOREGROUND },
		{ "Orphan", OBJECTS_ORPHAN },
	};

	if (orphan) {
		call_fail(
			call, 422, NULL,
			"propagationPolicy: Invalid value: \"%.64s\": orphanDependents and deletionPropagation cannot be both set",
			text);
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		if (strcmp(text, policies[i].text) == 0) {
			*ret = policies[i].value;
			return true;
		}
	}
	call_fail(
		call, 422, NULL,
		"propagationPolicy: Unsupported value: \"%.64s\": supported values: \"Background\", \"Foreground\", \"Orphan\"",
		text);
	return false;
}

static bool delete_take_dry_run(struct api_call *call)
{
	struct json_object *list;

	if (!delete_take_member(call, call->body, "dryRun", json_type_array, "a list of strings",
				&list)) {
		return false;
	}
	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *text = asb_as_str(item);

		if (text == NULL) {
			return delete_fail_type(call, "dryRun", "a list of strings");
		}
		if (strcmp(text, "All") != 0 || json_object_get_string_len(item) != 3) {
			call_fail(call, 422, NULL,
				  "dryRun: Unsupported value: \"%.64s\": supported values: \"All\"",
				  text);
			return false;
		}
		call->dry_run = true;
	}
	return true;
}

static bool delete_take_preconditions(struct api_call *call, struct objects_delete_options *options)
{
	struct json_object *conditions;

	return delete_take_member(call, call->body, "preconditions", json_type_object, "an object",
				  &conditions) &&
	       delete_take_text(call, conditions, "uid", &options->uid) &&
	       delete_take_text(call, conditions, "resourceVersion", &options->resource_version);
}

/* A negative number of seconds means 1, as for the real server. */
static bool delete_take_grace(struct api_call *call, struct objects_delete_options *options)
{
	struct json_object *value;
	int64_t seconds = 0;

	if (!call_query_integer(call, "gracePeriodSeconds", &seconds) ||
	    !delete_take_member(call, call->body, "gracePeriodSeconds", json_type_int, "an integer",
				&value)) {
		return false;
	}
	if (value == NULL && call_query(call, "gracePeriodSeconds") == NULL) {
		return true;
	}
	seconds = value != NULL ? json_object_get_int64(value) : seconds;
	options->grace = seconds < 0 ? 1 : seconds > INT32_MAX ? INT32_MAX : seconds;
	return true;
}

static bool delete_check_kind(struct api_call *call)
{
	const char *kind = NULL, *version = NULL;

	if (!delete_take_text(call, call->body, "kind", &kind) ||
	    !delete_take_text(call, call->body, "apiVersion", &version)) {
		return false;
	}
	if (kind != NULL && *kind != '\0' && strcmp(kind, "DeleteOptions") != 0) {
		call_fail(call, 400, NULL, "the body is of kind '%.64s': it must be DeleteOptions",
			  kind);
		return false;
	}
	return true;
}

/* DeleteOptions come in the body; the query holds what the body does not. */
static bool delete_take_options(struct api_call *call, struct objects_delete_options *options)
{
	const char *policy = call_query(call, "propagationPolicy");
	bool orphan = query_flag(&call->query, "orphanDependents", false);
	struct json_object *value;

	*options = (struct objects_delete_options){ .grace = -1 };
	if (!delete_check_kind(call) || !delete_take_grace(call, options) ||
	    !delete_take_dry_run(call) || !delete_take_preconditions(call, options) ||
	    !delete_take_text(call, call->body, "propagationPolicy", &policy) ||
	    !delete_take_member(call, call->body, "orphanDependents", json_type_boolean,
				"true or false", &value)) {
		return false;
	}
	orphan = value != NULL ? json_object_get_boolean(value) : orphan;
	options->propagation = orphan ? OBJECTS_ORPHAN : OBJECTS_BACKGROUND;
	options->dry_run = call->dry_run;
	return policy == NULL ||
	       delete_take_propagation(call, policy, orphan, &options->propagation);
}

/* ---- answers ---- */

/* Typed clients know by the kind whether to expect the object or a Status. */
static bool delete_shows_deleted(const struct api_call *call)
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

/* Responds with a Status for an object that was removed, and with the object when it is only
 * marked. */
static void delete_response(struct api_call *call, const struct objects_state *state, bool exists)
{
	if (exists || delete_shows_deleted(call)) {
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

	call_response_tree(call, 200, status_success(&details));
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
		registry_written(api);
	}
	if (status == 200 || status == 202) {
		delete_response(call, state, exists);
	} else {
		call_fail_with(call, status, &error);
	}
}

/* Gives the lock back for a moment: who only unlocks and locks again is faster than those who wait. */
static void delete_let_others(struct api *api)
{
	struct sched_cond nobody;

	sched_cond_init(&nobody, api->sched);
	(void)sched_cond_wait(&nobody, &api->lock, sched_now_us(api->sched) + PAUSE_US);
	sched_cond_finish(&nobody);
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
	struct list_options list;
	struct selector *selector = NULL;
	struct error error = { 0 };
	size_t at = 0;
	int status = 0;

	/* A deletion too may be of one page, or of an earlier version. */
	if (!options_list(call, &list)) {
		return;
	}
	{
		LOCKED(&api->lock);

		if (!read_selector(call, &selector)) {
			return;
		}
		list.selector = selector;
		status = list_read(api->objects, &call->kind, &list, &page, &error);
	}
	while (status == 200 && at < page.count) {
		LOCKED(&api->lock);
		delete_let_others(api);
		status = request_delete_listed(api->objects, &request, &page, options, &at, &error);
		registry_written(api);
	}
	if (status == 200) {
		print_list(call, &page);
	} else {
		call_fail_with(call, status, &error);
	}
	list_page_finish(&page);
	selector_destroy(selector);
}

void delete_handle(struct api_call *call)
{
	struct objects_delete_options options;

	if (call->request->length > 0 && !body_parse(call)) {
		return;
	}
	if (!delete_take_options(call, &options)) {
		return;
	}
	if (*call->route.name != '\0') {
		delete_one(call, &options);
	} else {
		delete_all(call, &options);
	}
}
