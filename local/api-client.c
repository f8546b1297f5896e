/* SPDX-License-Identifier: Apache-2.0 */
/* A request in, a tree out. Called by what `up` keeps in its API. */
#include "config.h"

#include "local/api-client.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/api/api.h"
#include "base/json.h"

int ask_text(struct api *api, const char *method, const char *path, const char *content_type,
	     const char *text, struct json_object **ret)
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

int ask(struct api *api, const char *method, const char *path, const char *content_type,
	struct json_object *body, struct json_object **ret)
{
	CLEANUP_BUF struct buf text = BUF_INIT(API_BODY_MAX);

	if (body != NULL) {
		(void)json_print(body, &text);
	}
	return ask_text(api, method, path, content_type, buf_str(&text), ret);
}

const char *ask_message(struct json_object *response)
{
	const char *message = asb_str(response, "message");

	return message != NULL ? message : "";
}
