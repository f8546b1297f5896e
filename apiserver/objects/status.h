/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status objects: how the API says that something went wrong, or that something without an object
 * went well. Reasons and codes as client libraries know them.
 */
#ifndef ASB_APISERVER_OBJECTS_STATUS_H
#define ASB_APISERVER_OBJECTS_STATUS_H

#include <json-c/json.h>

#include "base/buf.h"

struct status_details {
	const char *group, *kind, *name, *uid; /* NULL: not said; kind is the plural */
	int retry_after_s;                     /* 0: not said */
	struct json_object *take_causes;       /* an array of {reason, message, field}, or NULL */
};

/* A Failure, with causes and all; apiserver/validation/validate.h has the short form. reason NULL: the usual one of
 * the code (objects_reason). details may be NULL. The tree is the caller's. */
struct json_object *status_refusal(int code, const char *reason, const char *message,
				   const struct status_details *details);
struct json_object *status_success(const struct status_details *details);

#endif
