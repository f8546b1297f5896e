/* SPDX-License-Identifier: Apache-2.0 */
/* Status objects. The API makes one for each refusal and for deletions that leave nothing to
 * show. */
#include "config.h"

#include "apiserver/objects/status.h"

#include "apiserver/objects/objects.h"

static struct json_object *status_new(const char *word)
{
	struct json_object *status = json_object_new_object();

	json_object_object_add(status, "kind", json_object_new_string("Status"));
	json_object_object_add(status, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(status, "metadata", json_object_new_object());
	json_object_object_add(status, "status", json_object_new_string(word));
	return status;
}

static void status_add_text(struct json_object *object, const char *name, const char *text)
{
	if (text != NULL && *text != '\0') {
		json_object_object_add(object, name, json_object_new_string(text));
	}
}

static void status_add_details(struct json_object *status, const struct status_details *details)
{
	if (details == NULL) {
		return;
	}

	struct json_object *object = json_object_new_object();

	status_add_text(object, "name", details->name);
	status_add_text(object, "group", details->group);
	status_add_text(object, "kind", details->kind);
	status_add_text(object, "uid", details->uid);
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
	status_add_text(status, "reason", reason != NULL ? reason : objects_reason(code, 0));
	status_add_details(status, details);
	json_object_object_add(status, "code", json_object_new_int(code));
	return status;
}

struct json_object *status_success(const struct status_details *details)
{
	struct json_object *status = status_new("Success");

	status_add_details(status, details);
	return status;
}
