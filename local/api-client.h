/* SPDX-License-Identifier: Apache-2.0 */
/* The in-process client: requests of `up` to the API server in the same process, without a
 * connection. */
#ifndef ASB_LOCAL_API_CLIENT_H
#define ASB_LOCAL_API_CLIENT_H

#include <json-c/json.h>

#include "base/template.h"

struct api;

/*
 * Each sends one request and returns the HTTP status of the response (200, 404 ...). *ret, unless
 * ret is NULL, is the body of the response, which the caller owns, or NULL when that is not JSON.
 * content_type NULL is JSON.
 */

/* body NULL: the request has none. */
int api_client_call(struct api *api, const char *method, const char *path, const char *content_type,
		    struct json_object *body, struct json_object **ret);
/* The body is JSON text. */
int api_client_call_text(struct api *api, const char *method, const char *path,
			 const char *content_type, const char *text, struct json_object **ret);
/* The body is a YAML template of this program, filled in; it aborts on a template that is wrong. */
int api_client_call_template(struct api *api, const char *method, const char *path,
			     const char *content_type, const char *template,
			     const struct template_value *values, struct json_object **ret);

/* The message of a Status, borrowed; "" when the response is not a Status. */
const char *api_client_message(struct json_object *response);

#endif
