/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatches one request of the Kubernetes API to its handler. The HTTP server calls it on its
 * threads; tests call it directly. */
#include "config.h"

#include "apiserver/api/api.h"

#include <errno.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/watch.h"
#include "apiserver/objects/status.h"
#include "apiserver/remote/podlog.h"
#include "apiserver/remote/remote.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#define JSON_TYPE "application/json"

/* ---- responses ---- */

void api_refuse(int status, const char *message, struct api_response *ret)
{
	CLEANUP_JSON struct json_object *tree = status_refusal(status, NULL, message, NULL);

	*ret = (struct api_response){ .status = status,
				      .content_type = JSON_TYPE,
				      .body = BUF_INIT(API_ANSWER_MAX) };
	json_print(tree, &ret->body);
	utf8_repair(&ret->body);
	buf_append_char(&ret->body, '\n');
}

void api_response_finish(struct api_response *response)
{
	buf_finish(&response->body);
	budget_release(&response->unread);
	free(response->warnings);
	response->warnings = NULL;
	watch_close(response->watch);
	response->watch = NULL;
	podlog_close(response->podlog);
	response->podlog = NULL;
	remote_target_free(response->remote);
	response->remote = NULL;
}

/* ---- requests ---- */

#define ALLOW_LIST "DELETE, GET, POST"
#define ALLOW_OBJECT "DELETE, GET, PATCH, PUT"
#define ALLOW_SUBRESOURCE "GET, PATCH, POST, PUT"

static uint32_t api_verb_of(const char *method, bool named, bool watch)
{
	static const struct {
		const char *method;
		uint32_t named, list;
	} verbs[] = {
		{ "GET", TYPE_GET, TYPE_LIST }, { "HEAD", TYPE_GET, TYPE_LIST },
		{ "POST", 0, TYPE_CREATE },     { "PUT", TYPE_UPDATE, 0 },
		{ "PATCH", TYPE_PATCH, 0 },     { "DELETE", TYPE_DELETE, TYPE_DELETE_COLLECTION },
	};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(method, verbs[i].method) == 0) {
			return watch ? TYPE_WATCH : named ? verbs[i].named : verbs[i].list;
		}
	}
	return 0;
}

/* Whether the kind, or the subresource, takes this method here. */
static bool api_verb_allowed(struct api_call *call)
{
	const char *method = call->request->method;
	bool named = *call->route.name != '\0', sub = *call->route.subresource != '\0';
	uint32_t verb = api_verb_of(method, named, false), verbs = 0;

	if (sub && strcmp(method, "POST") == 0) {
		verb = TYPE_CREATE;
	}
	/* A namespaced object is created under the path of its namespace. */
	if (!named && call->namespaced && *call->route.ns == '\0' && verb == TYPE_CREATE) {
		verb = 0;
	}
	{
		LOCKED(&call->api->lock);
		const struct type *type = call_type(call);

		if (type != NULL && sub) {
			const struct type_subresource *subresource =
				type_subresource(type, call->route.subresource);

			verbs = subresource != NULL ? subresource->verbs : 0;
		} else if (type != NULL) {
			verbs = type->verbs;
		}
	}
	if (verb != 0 && (verbs & verb) != 0) {
		return true;
	}
	call_fail(call, 405, NULL,
		  "the server does not allow this method on the requested resource");
	call->response->allow = sub ? ALLOW_SUBRESOURCE : named ? ALLOW_OBJECT : ALLOW_LIST;
	return false;
}

static void api_handle_resource(struct api_call *call)
{
	const char *method = call->request->method;

	/* The real server reads no body of a method it does not take. */
	if (!call_find_type(call) || !api_verb_allowed(call) || !options_read(call)) {
		return;
	}
	if (remote_is(call)) {
		remote_handle(call);
		return;
	}
	if (!negotiate(call)) {
		call_fail(
			call, 406, NULL,
			"only the following media types are accepted: application/json, application/yaml");
		return;
	}
	if (call_is_read(call)) {
		read_handle(call);
	} else if (strcmp(method, "DELETE") == 0) {
		delete_handle(call);
	} else {
		write_handle(call);
	}
}

static void api_take_warnings(struct api_call *call)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64u << 10);

	for (size_t i = 0; call->warnings != NULL && i < json_object_array_length(call->warnings);
	     i++) {
		const char *warning =
			json_object_get_string(json_object_array_get_idx(call->warnings, i));

		for (; *warning != '\0'; warning++) {
			buf_append_char(&text, (unsigned char)*warning < ' ' ? ' ' : *warning);
		}
		buf_append_char(&text, '\n');
	}
	if (text.length > 0) {
		call->response->warnings = buf_take(&text);
	}
}

static void api_call_finish(struct api_call *call)
{
	kind_copy_finish(&call->copy);
	free(call->list_kind);
	json_object_put(call->body);
	json_object_put(call->refusal);
	json_object_put(call->warnings);
	query_finish(&call->query);
	free(call);
}

/* A request whose path or query does not parse is refused before anything is done for it. */
static void api_dispatch(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct error error = { 0 };

	if (route_parse(request->path, &call->route) < 0) {
		call_fail(
			call, 400, NULL,
			"the path is too long, or does not decode: percent signs stand before two hexadecimal digits, and what they encode is UTF-8 without NUL");
		return;
	}
	if (query_parse(request->query, &call->query, &error) < 0) {
		call_fail(call, 400, NULL, "%s", error.text);
		return;
	}
	call->pretty = query_flag(&call->query, "pretty", false);
	if (call->route.type == ROUTE_RESOURCE) {
		api_handle_resource(call);
	} else if (call->route.type == ROUTE_UNKNOWN) {
		call_fail_path(call);
	} else {
		discover_handle(call);
	}
}

void api_handle(struct api *api, const struct api_request *request, struct api_response *ret)
{
	struct api_call *call = xnew(struct api_call);
	int64_t received_us = sched_wall_us(api->sched);

	*ret = (struct api_response){ .content_type = JSON_TYPE,
				      .body = BUF_INIT(API_ANSWER_MAX),
				      .unread.budget = &api->unread };
	call->api = api;
	call->request = request;
	call->response = ret;
	api_dispatch(call);
	api_take_warnings(call);
	audit_write(call, received_us);
	if (ret->body.failed) {
		api_response_finish(ret);
		api_refuse(500, "the response is too large: ask for pages (limit=)", ret);
	}
	call_hold_body(call);
	api_call_finish(call);
}
