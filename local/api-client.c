/* SPDX-License-Identifier: Apache-2.0 */
/* Sends requests to the API server of this process. Called by the parts of `up` that create and
 * read objects. */
#include "config.h"

#include "local/api-client.h"

#include <agent-sandbox/helpers.h>
#include <stdlib.h>
#include <string.h>

#include "apiserver/api/api.h"
#include "base/json.h"
#include "base/yaml.h"

int api_client_call_text(struct api *api, const char *method, const char *path,
			 const char *content_type, const char *text, struct json_object **ret)
{
	struct api_request request = { .method = method,
				       .path = path,
				       .query = "",
				       .accept = "application/json",
				       .content_type = content_type != NULL ? content_type
									    : "application/json",
				       .user = "agent-sandbox-local",
				       .body = text,
				       .length = strlen(text) };
	struct api_response response;

	api_handle(api, &request, &response);

	int status = response.status;

	if (ret != NULL) {
		*ret = json_parse(buf_str(&response.body), response.body.length, NULL);
	}
	api_response_finish(&response);
	return status;
}

int api_client_call(struct api *api, const char *method, const char *path, const char *content_type,
		    struct json_object *body, struct json_object **ret)
{
	CLEANUP_BUF struct buf text = BUF_INIT(API_BODY_MAX);

	if (body != NULL) {
		(void)json_print(body, &text);
	}
	return api_client_call_text(api, method, path, content_type, buf_str(&text), ret);
}

int api_client_call_template(struct api *api, const char *method, const char *path,
			     const char *content_type, const char *template,
			     const struct template_value *values, struct json_object **ret)
{
	CLEANUP_BUF struct buf text = BUF_INIT(API_BODY_MAX);
	CLEANUP_JSON struct json_object *body = NULL;

	if (template_fill(template, values, &text, NULL) == 0) {
		body = yaml_parse(buf_str(&text), text.length, NULL);
	}
	if (body == NULL) {
		abort();
	}
	return api_client_call(api, method, path, content_type, body, ret);
}

const char *api_client_message(struct json_object *response)
{
	const char *message = asb_str(response, "message");

	return message != NULL ? message : "";
}
