/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests: JSON, or YAML, to trees. Writes and deletions call it before they take the
 * lock. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/protobuf.h"
#include "apiserver/api/text-check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/yaml.h"

static bool body_parse_protobuf(struct api_call *call)
{
	const struct api_request *request = call->request;
	struct error error = { 0 };

	call->body = protobuf_parse(request->body, request->length, &error);
	if (call->body == NULL) {
		call_fail(call, error.code == -ENOTSUP ? 415 : 400, NULL, "%s", error.text);
		return false;
	}
	if (!text_is_utf8(call->body)) {
		call_fail(call, 400, NULL, "the protobuf holds a string that is not UTF-8");
		return false;
	}
	return true;
}

static bool body_parse_text(struct api_call *call, bool yaml)
{
	const struct api_request *request = call->request;
	size_t valid = utf8_valid_length(request->body, request->length);
	struct error error = { 0 };

	/* libyaml checks the encoding itself, and knows YAML's other encodings. */
	if (!yaml && valid < request->length) {
		call_fail(call, 400, NULL, "the body is not JSON: byte %zu is not UTF-8", valid);
		return false;
	}
	call->body = yaml ? yaml_parse(request->body, request->length, &error)
			  : json_parse(request->body, request->length, &error);
	if (call->body == NULL && error.code == -ENOMEM) {
		call_fail(call, 503, NULL, "%s", error.text);
	} else if (call->body == NULL) {
		call_fail(call, 400, NULL, "the body is not %s: %s", yaml ? "YAML" : "JSON",
			  error.text);
	}
	return call->body != NULL;
}

/* The admission checks an object for NUL; all other bodies are checked here. */
static bool body_check_nul(struct api_call *call)
{
	const char *method = call->request->method, *subresource = call->route.subresource;
	bool object = *subresource == '\0' || strcmp(subresource, "status") == 0;
	struct error error = { 0 };
	int code = 0;

	if (strcmp(method, "PATCH") == 0) {
		code = text_check_patch(call->body, &error);
	} else {
		code = text_check_nul(call->body,
				      object && strcmp(method, "DELETE") != 0 ? TEXT_PLACE
									      : TEXT_NOWHERE,
				      &error);
	}
	if (code < 0) {
		call_fail(call, 400, NULL, "%s", error.text);
	}
	return code == 0;
}

bool body_parse(struct api_call *call)
{
	const struct api_request *request = call->request;
	const char *type = request->content_type;
	bool yaml = media_type_is(type, "application/yaml");
	bool json = *type == '\0' || media_type_is(type, "application/json") ||
		    media_type_is(type, "*/*");
	bool protobuf = media_type_is(type, "application/vnd.kubernetes.protobuf");

	if (strcmp(request->method, "PATCH") == 0) {
		/* Its types are looked at by who applies it. */
		json = true;
		yaml = media_type_is(type, "application/apply-patch+yaml");
	}
	if (!json && !yaml && !protobuf) {
		call_fail(
			call, 415, NULL,
			"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml");
		return false;
	}
	if (request->length == 0) {
		call_fail(call, 400, NULL, "the request has no body, and needs one");
		return false;
	}
	if (protobuf && !json ? !body_parse_protobuf(call) : !body_parse_text(call, yaml)) {
		return false;
	}
	if (strcmp(request->method, "PATCH") != 0 &&
	    !json_object_is_type(call->body, json_type_object)) {
		call_fail(call, 400, NULL, "the body is not a JSON object");
		return false;
	}
	return body_check_nul(call);
}
