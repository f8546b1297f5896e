/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to Podman's services and what their responses mean. Every other file of the runtime
 * calls it. */
#include "config.h"

#include "node/podman/podman-private.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

#define MESSAGE_MAX 300 /* characters of Podman's message in an error */

static int call_code_of(int status)
{
	switch (status) {
	case 404:
		return -ENOENT;
	case 409:
		return -EEXIST;
	case 400:
		return -EINVAL;
	default:
		return -EAGAIN;
	}
}

int podman_result(const struct http_response *response, struct json_object **ret,
		  struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = NULL;

	if (response->result != 0) {
		return error_set(reterr, -EAGAIN, "podman does not respond: %s", response->error);
	}
	if (response->body.length > 0) {
		tree = json_parse(response->body.data, response->body.length, NULL);
	}
	if (response->status / 100 != 2 && response->status != 304) {
		const char *words = asb_str(tree, "message");

		return error_set(reterr, call_code_of(response->status), "podman: %.*s",
				 MESSAGE_MAX,
				 words != NULL ? words : "a response without a message");
	}
	if (ret != NULL) {
		*ret = TAKE(tree);
	}
	return 0;
}

int podman_main(struct podman *podman)
{
	LOCKED(&podman->lock);
	return podman->handler >= 0 ? podman->handler : PODMAN_RUNC;
}

int podman_call(struct podman *podman, const struct podman_request *request,
		struct json_object **ret, struct error *reterr)
{
	int handler = request->handler >= 0 ? request->handler : podman_main(podman);
	CLEANUP_BUF struct buf body = BUF_INIT(PODMAN_REQUEST_MAX);
	CLEANUP_FREE char *path = xprintf(PODMAN_API "%s", request->path);
	struct http_response response;

	if (request->body != NULL && json_print(request->body, &body) < 0) {
		return error_set(reterr, -EINVAL,
				 "the container's description is longer than %u bytes",
				 PODMAN_REQUEST_MAX);
	}

	struct http_request http = {
		.method = request->method,
		.path = path,
		.content_type = request->body != NULL ? "application/json" : NULL,
		.body = buf_str(&body),
		.body_length = body.length,
		.timeout_ms = request->timeout_ms,
	};

	transport_perform(podman_transport(podman, handler), &http, &response, 1);

	int code = podman_result(&response, ret, reterr);

	http_response_finish(&response);
	return code;
}

#define GET_AT_ONCE 32u

void podman_get_many(struct podman *podman, char *const *paths, size_t count,
		     struct json_object **trees)
{
	struct transport *transport = podman_transport(podman, podman_main(podman));

	for (size_t done = 0; done < count; done += GET_AT_ONCE) {
		size_t n = count - done < GET_AT_ONCE ? count - done : GET_AT_ONCE;
		struct http_request requests[GET_AT_ONCE];
		struct http_response responses[GET_AT_ONCE];

		for (size_t i = 0; i < n; i++) {
			requests[i] = (struct http_request){
				.method = "GET",
				.path = paths[done + i],
				.timeout_ms = PODMAN_CALL_MS,
			};
		}
		transport_perform(transport, requests, responses, n);
		for (size_t i = 0; i < n; i++) {
			trees[done + i] = NULL;
			(void)podman_result(&responses[i], &trees[done + i], NULL);
			http_response_finish(&responses[i]);
		}
	}
}

void podman_escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if (isalnum(byte) || strchr("-._~", byte) != NULL) {
			buf_append_char(out, *text);
		} else {
			buf_printf(out, "%%%02X", byte);
		}
	}
}

char *podman_filter(const struct podman *podman, const char *uid, const char *event)
{
	CLEANUP_BUF struct buf filters = BUF_INIT(16384);
	CLEANUP_BUF struct buf query = BUF_INIT(65536);
	CLEANUP_FREE char *label = xprintf(LABEL_NODE "=%s", podman->label);

	buf_append_str(&filters, "{\"label\":[");
	buf_append_json(&filters, label, strlen(label));
	if (uid != NULL) {
		CLEANUP_FREE char *pod = xprintf(LABEL_UID "=%s", uid);

		buf_append_char(&filters, ',');
		buf_append_json(&filters, pod, strlen(pod));
	}
	buf_append_char(&filters, ']');
	if (event != NULL) {
		buf_printf(&filters, ",\"event\":[\"%s\"],\"type\":[\"container\"]", event);
	}
	buf_append_char(&filters, '}');
	buf_append_str(&query, event != NULL ? "?stream=true&filters=" : "?all=true&filters=");
	podman_escape(&query, buf_str(&filters));
	return buf_take(&query);
}

void podman_turn_begin(struct podman *podman)
{
	LOCKED(&podman->lock);
	while (podman->turns == 0) {
		/* The thread that has a turn has deadlines. */
		sched_cond_wait(&podman->wake, &podman->lock, SCHED_FOREVER);
	}
	podman->turns--;
}

void podman_turn_end(struct podman *podman)
{
	LOCKED(&podman->lock);
	podman->turns++;
	sched_cond_broadcast(&podman->wake);
}

bool podman_name_ok(const char *text)
{
	size_t length = text != NULL ? strlen(text) : 0;

	if (length == 0 || length > 253 || !isalnum((unsigned char)text[0])) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("-._", text[i]) == NULL) {
			return false;
		}
	}
	return true;
}
