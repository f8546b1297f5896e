/* SPDX-License-Identifier: Apache-2.0 */
/* What all handlers share about one request: its responses, its query, its resource and objects. Only
 * api.c knows the handlers. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/objects/status.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/utf8.h"

#define MESSAGE_MAX 2048

/* By which the share of a list in the budget grows while it is printed. */
#define UNREAD_STEP (1u << 20)

/* ---- responses ---- */

void call_response_tree(struct api_call *call, int status, struct json_object *take)
{
	CLEANUP_JSON struct json_object *tree = take;
	struct api_response *response = call->response;

	response->status = status;
	response->content_type = call->yaml ? "application/yaml" : "application/json";
	buf_clear(&response->body);
	if (call->pretty) {
		CLEANUP_BUF struct buf text = BUF_INIT(API_ANSWER_MAX);

		json_print(tree, &text);
		indent_json(buf_str(&text), text.length, &response->body);
		response->body.failed = response->body.failed || text.failed;
	} else {
		json_print(tree, &response->body);
	}
	/* A message may quote a part of the request that ends inside a character, which clients
	 * cannot read. */
	utf8_repair(&response->body);
	buf_append_char(&response->body, '\n');
}

static void call_fail_details(struct api_call *call, int status, const char *reason,
			      const char *message)
{
	struct status_details details = { .group = call->kind.group,
					  .kind = call->kind.plural,
					  .name = call->route.name };

	call_response_tree(call, status,
			   status_refusal(status, reason, message,
					  call->kind.plural != NULL ? &details : NULL));
}

void call_fail(struct api_call *call, int status, const char *reason, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	call_fail_details(call, status, reason, message);
}

/* ---- the budget of what is printed and not sent yet ---- */

bool call_is_read(const struct api_call *call)
{
	return strcmp(call->request->method, "GET") == 0 ||
	       strcmp(call->request->method, "HEAD") == 0;
}

static void call_fail_unread(struct api_call *call)
{
	buf_finish(&call->response->body);
	budget_release(&call->response->unread);
	call_fail(
		call, 503, NULL,
		"what clients have not read yet is too large together: try again, or ask for pages (limit=)");
	call->response->retry_after_s = 1;
}

bool call_hold(struct api_call *call, size_t bytes)
{
	struct budget_share *unread = &call->response->unread;
	/* In steps, so that the lock is not taken for each object of a list. */
	size_t wanted = (bytes / UNREAD_STEP + 1) * UNREAD_STEP;

	if (bytes <= API_UNREAD_FREE || wanted == unread->bytes) {
		return true;
	}
	if (!call_is_read(call)) {
		budget_force(unread, wanted);
	} else if (!budget_resize(unread, wanted)) {
		call_fail_unread(call);
		return false;
	}
	return true;
}

void call_hold_body(struct api_call *call)
{
	struct api_response *response = call->response;

	if (call_is_read(call) && response->body.length > API_UNREAD_FREE &&
	    !budget_resize(&response->unread, response->body.length)) {
		call_fail_unread(call);
	}
	budget_force(&response->unread, response->body.length);
}

/* ---- refusals of the objects ---- */

/* By this cause clients know that they are ahead of the server, and list again. */
static void call_fail_too_large(struct api_call *call, const char *message)
{
	struct json_object *cause = json_object_new_object();
	struct status_details details = { .retry_after_s = 1,
					  .take_causes = json_object_new_array() };

	json_object_object_add(cause, "reason", json_object_new_string("ResourceVersionTooLarge"));
	json_object_object_add(cause, "message",
			       json_object_new_string("Too large resource version"));
	json_object_array_add(details.take_causes, cause);
	call_response_tree(call, 504, status_refusal(504, "Timeout", message, &details));
	call->response->retry_after_s = 1;
}

void call_fail_with(struct api_call *call, int status, const struct error *error)
{
	if (call->refusal != NULL) {
		call_response_tree(call, status, TAKE(call->refusal));
		return;
	}
	if (status == 504) {
		call_fail_too_large(call, error->text);
		return;
	}
	call_fail_details(call, status, objects_reason(status, error->code), error->text);
}

/* Clients know by this text that nothing is served at the path. */
void call_fail_path(struct api_call *call)
{
	struct api_response *response = call->response;

	response->status = 404;
	response->content_type = "text/plain; charset=utf-8";
	buf_append_str(&response->body, "404 page not found\n");
}

/* ---- the query ---- */

const char *call_query(const struct api_call *call, const char *name)
{
	return query_value(&call->query, name);
}

bool call_query_integer(struct api_call *call, const char *name, int64_t *value)
{
	const char *text = call_query(call, name);

	if (text != NULL && integer_parse(text, INT64_MIN, INT64_MAX, value) < 0) {
		call_fail(call, 400, NULL,
			  "%s: strconv.ParseInt: parsing \"%.64s\": invalid syntax", name, text);
		return false;
	}
	return true;
}

/* ---- the resource and its objects ---- */

void kind_copy_init(struct kind_copy *copy, const struct asb_kind *kind)
{
	copy->strings[0] = xstrdup(kind->group);
	copy->strings[1] = xstrdup(kind->version);
	copy->strings[2] = xstrdup(kind->kind);
	copy->strings[3] = xstrdup(kind->plural);
	copy->kind = *kind;
	copy->kind.group = copy->strings[0];
	copy->kind.version = copy->strings[1];
	copy->kind.kind = copy->strings[2];
	copy->kind.plural = copy->strings[3];
}

void kind_copy_finish(struct kind_copy *copy)
{
	for (size_t i = 0; i < ARRAY_LEN(copy->strings); i++) {
		free(copy->strings[i]);
	}
}

const struct type *call_type(const struct api_call *call)
{
	return types_find(call->api->types, call->route.group, call->route.version,
			  call->route.resource);
}

bool call_find_type(struct api_call *call)
{
	LOCKED(&call->api->lock);
	const struct type *type = call_type(call);

	if (type == NULL || (*call->route.ns != '\0' && !type->namespaced)) {
		call_fail_path(call);
		return false;
	}
	kind_copy_init(&call->copy, &type->kind);
	call->kind = call->copy.kind;
	call->list_kind = xstrdup(type->list_kind);
	call->namespaced = type->namespaced;
	call->custom = type->custom;
	if (type->warning != NULL) {
		call->warnings = json_object_new_array();
		json_object_array_add(call->warnings, json_object_new_string(type->warning));
	}
	if (*call->route.subresource != '\0' &&
	    !type_has_subresource(type, call->route.subresource)) {
		call_fail_path(call);
		return false;
	}
	return true;
}

struct objects_state *call_state(struct api_call *call, const char *subresource)
{
	struct request request = { .kind = &call->kind,
				   .ns = call->route.ns,
				   .name = call->route.name,
				   .subresource = subresource };
	struct objects_state *state = NULL;
	struct error error = { 0 };
	int status = 0;

	{
		LOCKED(&call->api->lock);
		status = request_get(call->api->objects, &request, &state, &error);
	}
	if (status != 200) {
		call_fail_with(call, status, &error);
		return NULL;
	}
	return state;
}
