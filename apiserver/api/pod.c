/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of pods: checks what is asked for and asks the node. The API calls it for pods/NAME/log, and
 * for the pod and container of its neighbours. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/remote/podlog.h"
#include "base/json.h"
#include "base/memory.h"

#define LOG_PATH_MAX 4096

struct json_object *call_pod(struct api_call *call)
{
	CLEANUP(objects_state_release) struct objects_state *state = call_state(call, "");
	size_t length = 0;
	const char *text = state != NULL ? objects_state_text(state, &length) : NULL;

	return text != NULL ? json_parse(text, length, NULL) : NULL;
}

const char *call_container(struct api_call *call, struct json_object *pod, const char *asked)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };
	struct json_object *containers = asb_array(pod, "spec", "containers");

	if (asked == NULL || *asked == '\0') {
		const char *preferred =
			asb_annotation(pod, "kubectl.kubernetes.io/default-container");

		if (asb_length(containers) == 1) {
			return asb_str(json_object_array_get_idx(containers, 0), "name");
		}
		if (preferred == NULL) {
			call_fail(call, 400, NULL,
				  "a container name must be specified for pod %s: it has %zu",
				  call->route.name, asb_length(containers));
			return NULL;
		}
		asked = preferred;
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(pod, "spec", lists[i]);

		for (size_t j = 0; j < asb_length(list); j++) {
			const char *name = asb_str(json_object_array_get_idx(list, j), "name");

			if (asb_streq(name, asked)) {
				return name;
			}
		}
	}
	call_fail(call, 400, NULL, "container %.253s is not valid for pod %s", asked,
		  call->route.name);
	return NULL;
}

/* Appends the numbers of lines, seconds and bytes, each checked against its minimum. */
static bool pod_add_numbers(struct api_call *call, struct buf *path)
{
	static const struct {
		const char *name;
		int64_t least;
		const char *rule;
	} numbers[] = {
		{ "tailLines", 0, "must be greater than or equal to 0" },
		{ "sinceSeconds", 1, "must be greater than 0" },
		{ "limitBytes", 1, "must be greater than 0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *name = numbers[i].name;
		int64_t number = 0;

		if (!call_query_integer(call, name, &number)) {
			return false;
		}
		if (call_query(call, name) == NULL) {
			continue;
		}
		if (number < numbers[i].least) {
			call_fail(call, 422, NULL, "%s: Invalid value: %" PRId64 ": %s", name,
				  number, numbers[i].rule);
			return false;
		}
		buf_printf(path, "%s=%" PRId64 "&", name, number);
	}
	return true;
}

/* Makes the query for the node from the call's. False: the call has failed. */
static bool pod_log_query(struct api_call *call, struct buf *path)
{
	static const char *const flags[] = { "follow", "previous", "timestamps" };
	const char *since = call_query(call, "sinceTime");
	int64_t ms = 0;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (query_flag(&call->query, flags[i], false)) {
			buf_printf(path, "%s=true&", flags[i]);
		}
	}
	if (!pod_add_numbers(call, path)) {
		return false;
	}
	if (since != NULL && *since != '\0') {
		if (!asb_time_parse(since, &ms)) {
			call_fail(call, 400, NULL, "'%.64s' is not a valid time for 'sinceTime'",
				  since);
			return false;
		}
		if (call_query(call, "sinceSeconds") != NULL) {
			call_fail(call, 422, NULL,
				  "at most one of `sinceTime` or `sinceSeconds` may be specified");
			return false;
		}
		/* Digits, '-', ':', 'T', 'Z': as it was parsed. */
		buf_printf(path, "sinceTime=%s&", since);
	}
	return true;
}

static void pod_open_log(struct api_call *call, const char *path)
{
	struct api *api = call->api;
	struct api_response *response = call->response;
	struct error error = { 0 };
	int status = 0;

	if (api->node_socket == NULL) {
		call_fail(call, 503, NULL,
			  "no node is connected to this server, so there are no logs");
		return;
	}
	if (podlog_open(api->sched, api->node_socket, path, &status, &response->podlog, &error) <
	    0) {
		call_fail(call, 503, NULL, "cannot read the log from the node: %s", error.text);
		return;
	}
	if (status != 200) {
		char text[1024];
		ssize_t length = podlog_read(response->podlog, text, sizeof(text) - 1, 1000);

		podlog_close(response->podlog);
		response->podlog = NULL;
		text[length > 0 ? length : 0] = '\0';
		call_fail(call, status >= 400 && status < 600 ? status : 500, NULL, "%s",
			  length > 0 ? text : "the node refused to send the log");
		return;
	}
	response->status = 200;
	response->content_type = "text/plain";
}

void podlog_handle(struct api_call *call)
{
	CLEANUP_BUF struct buf query = BUF_INIT(LOG_PATH_MAX), path = BUF_INIT(LOG_PATH_MAX);
	CLEANUP_JSON struct json_object *pod = NULL;

	if (!pod_log_query(call, &query)) {
		return;
	}
	pod = call_pod(call);
	if (pod == NULL) {
		return;
	}

	const char *container = call_container(call, pod, call_query(call, "container"));

	if (container == NULL) {
		return;
	}
	if (asb_str(pod, "spec", "nodeName") == NULL) {
		call_fail(call, 400, NULL, "pod %s does not have a host assigned",
			  call->route.name);
		return;
	}
	buf_printf(&path, "/logs/%s/%s?%s", asb_uid(pod), container, buf_str(&query));
	/* Removes the last separator. */
	buf_cut(&path, path.length - 1);
	pod_open_log(call, buf_str(&path));
}
