/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out from a response whether a write succeeded, was refused or got lost, and the message.
 * Called by core/client/client only. */
#include "config.h"

#include "core/client/client-private.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json-scan.h"
#include "base/json.h"
#include "base/utf8.h"

#define STATUS_SIZE_MAX (1u << 20) /* a Status is small; what is larger is none */

/*
 * Whether a text is one whole JSON object, and whether that is a Status. libcurl may report a
 * truncated body as success, so only the end of the JSON proves that the response is whole.
 */
static bool response_whole_object(const char *text, size_t length, bool *ret_status)
{
	static const char *const names[] = { "kind" };
	struct json_span kind = { 0 };
	const char *name = "";
	size_t name_length = 0;

	if (json_scan_members(text, length, names, 1, &kind) == 0) {
		*ret_status = json_span_text(&kind, &name, &name_length) &&
			      name_length == strlen("Status") &&
			      memcmp(name, "Status", name_length) == 0;
		return true;
	}

	CLEANUP_JSON struct json_object *object = json_parse(text, length, NULL);

	*ret_status = asb_streq(asb_str(object, "kind"), "Status");
	return json_object_is_type(object, json_type_object);
}

enum outcome outcome_of_response(const struct http_response *response, bool *ret_status)
{
	*ret_status = false;
	if (response->result != 0) {
		return response->maybe_sent ? OUTCOME_LOST : OUTCOME_NOT_SENT;
	}
	if (response->status >= 200 && response->status < 300) {
		return response_whole_object(buf_str(&response->body), response->body.length,
					     ret_status)
			       ? OUTCOME_DONE
			       : OUTCOME_LOST;
	}
	if (response->status == 429 || (response->status >= 500 && response->retry_after_ms > 0)) {
		return OUTCOME_AGAIN;
	}
	return OUTCOME_REFUSED;
}

/* The Status object of a body, or NULL; the caller's. */
static struct json_object *response_parse_status(const char *body, size_t length)
{
	struct json_object *status =
		length <= STATUS_SIZE_MAX ? json_parse(body, length, NULL) : NULL;

	if (!asb_streq(asb_str(status, "kind"), "Status")) {
		json_object_put(status);
		return NULL;
	}
	return status;
}

int32_t client_code(int http_status, const char *body, size_t length)
{
	CLEANUP_JSON struct json_object *status = NULL;

	switch (http_status) {
	case 401:
	case 403:
		return ASB_FORBIDDEN;
	case 404:
		return ASB_NOT_FOUND;
	case 408:
	case 429:
		return ASB_UNREACHABLE;
	case 409:
		status = response_parse_status(body, length);
		return asb_streq(asb_str(status, "reason"), "AlreadyExists") ? ASB_ALREADY_EXISTS
									     : ASB_CONFLICT;
	default:
		break;
	}
	if (http_status >= 200 && http_status < 300) {
		return ASB_OK;
	}
	return http_status >= 400 && http_status < 500 ? ASB_INVALID : ASB_UNREACHABLE;
}

/* One line, cut at a character's end. */
static void response_copy_line(const char *text, char *ret, size_t size)
{
	size_t length = utf8_cut(text, size - 1);

	for (size_t i = 0; i < length; i++) {
		ret[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	}
	while (length > 0 && ret[length - 1] == ' ') {
		length--;
	}
	ret[length] = '\0';
}

void response_message(const struct http_response *response, char *ret, size_t size)
{
	CLEANUP_JSON struct json_object *status = NULL;
	const char *message;

	if (response->result != 0) {
		response_copy_line(response->error, ret, size);
		return;
	}
	if (response->status >= 200 && response->status < 300) {
		snprintf(ret, size, "the response was cut short after %zu bytes",
			 response->body.length);
		return;
	}
	status = response_parse_status(buf_str(&response->body), response->body.length);
	message = asb_str(status, "message");
	if (message == NULL && status == NULL) {
		message = buf_str(&response->body); /* a 429 is plain text */
	}
	response_copy_line(message != NULL ? message : "", ret, size);
	if (*ret == '\0') {
		snprintf(ret, size, "HTTP status %d", response->status);
	}
}

bool response_is_ours(const struct http_response *response, struct json_object *body)
{
	CLEANUP_JSON struct json_object *there =
		json_parse(buf_str(&response->body), response->body.length, NULL);

	return asb_streq(asb_str(asb_controller(there, NULL), "uid"),
			 asb_str(asb_controller(body, NULL), "uid"));
}
