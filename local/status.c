/* SPDX-License-Identifier: Apache-2.0 */
/* Status objects. The API makes one for each refusal and for deletions that leave nothing to
 * show. */
#include "config.h"

#include "local/status.h"

#include "base/macros.h"

#include <stddef.h>

const char *status_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{ 400, "BadRequest" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "NotFound" },
		{ 405, "MethodNotAllowed" },
		{ 406, "NotAcceptable" },
		{ 409, "Conflict" },
		{ 410, "Expired" },
		{ 413, "RequestEntityTooLarge" },
		{ 415, "UnsupportedMediaType" },
		{ 422, "Invalid" },
		{ 429, "TooManyRequests" },
		{ 500, "InternalError" },
		{ 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].code == code) {
			return reasons[i].reason;
		}
	}
	return "";
}

static struct json_object *status_new(const char *word)
{
	struct json_object *status = json_object_new_object();

	json_object_object_add(status, "kind", json_object_new_string("Status"));
	json_object_object_add(status, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(status, "metadata", json_object_new_object());
	json_object_object_add(status, "status", json_object_new_string(word));
	return status;
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	if (text != NULL && *text != '\0') {
		json_object_object_add(object, name, json_object_new_string(text));
	}
}

static void add_details(struct json_object *status, const struct status_details *details)
{
	if (details == NULL) {
		return;
	}

	struct json_object *object = json_object_new_object();

	add_text(object, "name", details->name);
	add_text(object, "group", details->group);
	add_text(object, "kind", details->kind);
	add_text(object, "uid", details->uid);
	if (details->take_causes != NULL) {
		json_object_object_add(object, "causes", details->take_causes);
	}
	if (details->retry_after_s > 0) {
		json_object_object_add(object, "retryAfterSeconds",
				       json_object_new_int(details->retry_after_s));
	}
	json_object_object_add(status, "details", object);
}

struct json_object *status_refusal(int code, const char *reason, const char *message,
				   const struct status_details *details)
{
	struct json_object *status = status_new("Failure");

	json_object_object_add(status, "message", json_object_new_string(message));
	add_text(status, "reason", reason != NULL ? reason : status_reason(code));
	add_details(status, details);
	json_object_object_add(status, "code", json_object_new_int(code));
	return status;
}

struct json_object *status_success(const struct status_details *details)
{
	struct json_object *status = status_new("Success");

	add_details(status, details);
	return status;
}
