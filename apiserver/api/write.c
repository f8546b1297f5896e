/* SPDX-License-Identifier: Apache-2.0 */
/* Creates, updates and patches, with the subresources that take them. The API calls it for POST,
 * PUT and PATCH on kinds. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/token.h"
#include "base/json.h"
#include "base/memory.h"

#define TOKEN_DEFAULT_S 3600
#define TOKEN_LEAST_S 600
#define TOKEN_MOST_S (INT64_C(10) * 365 * 86400)

static struct request write_request_of(struct api_call *call)
{
	return (struct request){ .kind = &call->kind,
				 .ns = call->route.ns,
				 .name = call->route.name,
				 .subresource = call->route.subresource,
				 .dry_run = call->dry_run,
				 .caller = call };
}

/* The body is an object of the kind its path says; the lock is held. */
static int write_check_body(struct api_call *call)
{
	const char *name = call->route.name;
	struct type_request request = { .types = call->api->types,
					.type = call_type(call),
					.ns = call->route.ns,
					.name = *name != '\0' ? name : NULL,
					.validation = call->validation,
					.dry_run = call->dry_run,
					.causes = CAUSES_INIT };
	/* The handlers of subresources check the bodies of other kinds. */
	bool own =
		*call->route.subresource == '\0' || strcmp(call->route.subresource, "status") == 0;
	int status = 0;

	if (request.type != NULL && own) {
		status = type_check_body(&request, call->body);
	}
	if (status != 0) {
		call->refusal = TAKE(request.status);
	}
	type_request_finish(&request);
	return status;
}

static bool write_patch_type_of(struct api_call *call, enum patch_type *ret)
{
	static const struct {
		const char *name;
		enum patch_type type;
	} types[] = {
		{ "application/json-patch+json", PATCH_JSON },
		{ "application/merge-patch+json", PATCH_MERGE },
		{ "application/strategic-merge-patch+json", PATCH_STRATEGIC },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (media_type_is(call->request->content_type, types[i].name)) {
			*ret = types[i].type;
			return true;
		}
	}
	if (media_type_is(call->request->content_type, "application/apply-patch+yaml")) {
		call_fail(
			call, 415, NULL,
			"server-side apply is not supported here: use client-side apply (kubectl apply without --server-side), or a merge patch");
	} else {
		call_fail(
			call, 415, NULL,
			"the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json");
	}
	return false;
}

/* The write itself; the lock is held. */
static int write_perform(struct api_call *call, enum patch_type type, struct objects_state **ret,
			 struct error *reterr)
{
	struct objects *objects = call->api->objects;
	struct request request = write_request_of(call);
	const char *method = call->request->method;

	if (strcmp(method, "PATCH") == 0) {
		return request_patch(objects, &request, type, call->body, ret, reterr);
	}

	int status = write_check_body(call);

	if (status != 0) {
		return status;
	}
	return strcmp(method, "POST") == 0
		       ? request_create(objects, &request, TAKE(call->body), ret, reterr)
		       : request_replace(objects, &request, TAKE(call->body), ret, reterr);
}

/* The response to a TokenRequest gets its token here, since the objects do not know the secret. */
static void write_respond_token(struct api_call *call, int status,
				const struct objects_state *state)
{
	size_t length = 0;
	const char *text = objects_state_text(state, &length);
	CLEANUP_JSON struct json_object *response = json_parse(text, length, NULL);
	int64_t seconds = asb_int(asb_at(response, "spec", "expirationSeconds"), TOKEN_DEFAULT_S);
	int64_t now_s = sched_wall_us(call->api->sched) / 1000000;
	char token[TOKEN_MAX], end[21];

	if (seconds < TOKEN_LEAST_S || seconds > TOKEN_MOST_S) {
		seconds = seconds < TOKEN_LEAST_S ? TOKEN_LEAST_S : TOKEN_MOST_S;
	}
	if (response == NULL || token_issue(call->api->secret, call->route.ns, call->route.name,
					    now_s + seconds, token) < 0) {
		call_fail(call, 500, NULL, "cannot make a token");
		return;
	}
	asb_time_format((now_s + seconds) * 1000, end);

	struct json_object *object = asb_object_in(response, "status");

	asb_set_str(object, "token", token);
	asb_set_str(object, "expirationTimestamp", end);
	explicit_bzero(token, sizeof(token));
	call_response_tree(call, status, json_object_get(response));
}

static void write_keep_name(struct api_call *call)
{
	const char *name = asb_str(call->body, "metadata", "name");

	snprintf(call->body_name, sizeof(call->body_name), "%s", name != NULL ? name : "");
}

void write_handle(struct api_call *call)
{
	struct api *api = call->api;
	CLEANUP(objects_state_release) struct objects_state *state = NULL;
	struct error error = { 0 };
	enum patch_type type = PATCH_MERGE;
	int status = 0;

	if (strcmp(call->request->method, "PATCH") == 0 && !write_patch_type_of(call, &type)) {
		return;
	}
	if (!body_parse(call)) {
		return;
	}
	write_keep_name(call);
	{
		LOCKED(&api->lock);
		status = write_perform(call, type, &state, &error);
		registry_written(api);
	}
	if (status != 200 && status != 201) {
		call_fail_with(call, status, &error);
	} else if (strcmp(call->route.subresource, "token") == 0) {
		write_respond_token(call, status, state);
	} else {
		print_object(call, status, state);
	}
}
