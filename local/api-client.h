/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of `up` to its own API, without a connection. */
#ifndef ASB_LOCAL_ASK_H
#define ASB_LOCAL_ASK_H

#include <json-c/json.h>

#include "base/error.h"

struct api;

/* The status of the response (200, 404 ...); *ret, which may be NULL, gets the tree, the caller's, or
 * NULL. body: NULL for none. content_type: NULL for JSON. */
int ask(struct api *api, const char *method, const char *path, const char *content_type,
	struct json_object *body, struct json_object **ret);
/* The same for a body of text that is JSON. */
int ask_text(struct api *api, const char *method, const char *path, const char *content_type,
	     const char *text, struct json_object **ret);
/* What a Status says, "" when it is none. Borrowed. */
const char *ask_message(struct json_object *response);

#endif
