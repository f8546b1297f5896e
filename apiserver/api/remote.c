/* SPDX-License-Identifier: Apache-2.0 */
/* exec, attach and port-forward of pods: checks the request and makes the target on the node.
 * The API calls it; the HTTP server then gives the connection to a session
 * (apiserver/remote/remote.h). */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>
#include <strings.h>

#include "apiserver/api/api-private.h"
#include "apiserver/remote/remote.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

#define UPGRADE "SPDY/3.1"
#define PATH_MAX_BYTES 20480u /* as long as a request's own path, and its names */

bool remote_is(const struct api_call *call)
{
	const char *name = call->route.subresource;

	return strcmp(name, "exec") == 0 || strcmp(name, "attach") == 0 ||
	       strcmp(name, "portforward") == 0;
}

/* Whether the list "a, b" names it. */
static bool remote_offers(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list != NULL && *list != '\0') {
		list += strspn(list, ", ");

		size_t word = strcspn(list, ", ");

		if (word == length && strncmp(list, name, length) == 0) {
			return true;
		}
		list += word;
	}
	return false;
}

/* Checks the protocol of the upgrade. False: the call has failed, and a client that tried
 * WebSocket first tries SPDY next. */
static bool remote_check_upgrade(struct api_call *call, bool forward)
{
	const struct api_request *request = call->request;
	const char *protocol = forward ? REMOTE_FORWARD_PROTOCOL : REMOTE_PROTOCOL;
	bool offered = request->protocols != NULL && *request->protocols != '\0';

	if (request->upgrade == NULL || strcasecmp(request->upgrade, UPGRADE) != 0) {
		call_fail(call, 400, NULL,
			  "Upgrade request required: this server speaks " UPGRADE
			  " here, not '%.40s'",
			  request->upgrade != NULL ? request->upgrade : "");
		return false;
	}
	/* Port-forward has one protocol, and its clients need not name it. */
	if ((!forward || offered) && !remote_offers(request->protocols, protocol)) {
		call_fail(
			call, 403, NULL,
			"unable to upgrade: unable to negotiate protocol: client supports [%.200s], server accepts [%s]",
			offered ? request->protocols : "", protocol);
		return false;
	}
	return true;
}

static void remote_append_encoded(struct buf *path, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
			buf_append_char(path, *text);
		} else if ((c >= '0' && c <= '9') || strchr("-._~/", c) != NULL) {
			buf_append_char(path, *text);
		} else {
			buf_printf(path, "%%%02X", c);
		}
	}
}

/* "&command=..." for each of the query. */
static size_t remote_add_commands(const struct query *query, struct buf *path)
{
	size_t count = 0;

	for (size_t i = 0; i < query->count; i++) {
		if (strcmp(query->pairs[i].name, "command") == 0) {
			buf_append_str(path, "&command=");
			remote_append_encoded(path, query->pairs[i].value);
			count++;
		}
	}
	return count;
}

/* The ports that a port-forward may name; which one is asked for comes with each stream. */
static bool remote_check_ports(struct api_call *call)
{
	for (size_t i = 0; i < call->query.count; i++) {
		const struct query_pair *pair = &call->query.pairs[i];
		int64_t port = 0;

		if (strcmp(pair->name, "ports") == 0 &&
		    integer_parse(pair->value, 0, UINT16_MAX, &port) < 0) {
			call_fail(
				call, 400, NULL,
				"cannot convert to []int32: strconv.ParseUint: parsing \"%.64s\": invalid syntax",
				pair->value);
			return false;
		}
	}
	return true;
}

static bool remote_exec_path(struct api_call *call, struct json_object *pod,
			     struct remote_target *target, struct buf *path)
{
	const struct query *query = &call->query;
	const char *container = call_container(call, pod, call_query(call, "container"));

	if (container == NULL) {
		return false;
	}
	target->in = query_flag(query, "stdin", false);
	target->out = query_flag(query, "stdout", false);
	target->err = query_flag(query, "stderr", false);
	target->tty = query_flag(query, "tty", false);
	if (!target->in && !target->out && !target->err) {
		call_fail(call, 400, NULL, "you must specify at least 1 of stdin, stdout, stderr");
		return false;
	}
	buf_printf(path, "/%s/%s/%s?stdin=%s&tty=%s", call->route.subresource, asb_uid(pod),
		   container, target->in ? "true" : "false", target->tty ? "true" : "false");
	if (strcmp(call->route.subresource, "exec") == 0 && remote_add_commands(query, path) == 0) {
		call_fail(call, 400, NULL,
			  "you must specify at least one command for the container");
		return false;
	}
	return true;
}

static void remote_respond_with(struct api_call *call, struct remote_target *take_target)
{
	call->response->remote = take_target;
	call->response->status = 101;
}

/* Where the ports of the router's mirror pod lead to; NULL: it is another pod. */
static const char *remote_mirror_address(struct json_object *pod)
{
	bool is = asb_streq(asb_ns(pod), "default") && asb_streq(asb_name(pod), MIRROR_POD) &&
		  asb_streq(asb_str(pod, "spec", "nodeName"), MIRROR_NODE);

	return is ? asb_annotation(pod, MIRROR_FORWARD_ANNOTATION) : NULL;
}

void remote_handle(struct api_call *call)
{
	bool forward = strcmp(call->route.subresource, "portforward") == 0;
	CLEANUP_JSON struct json_object *pod = call_pod(call);
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
	struct remote_target *target;

	if (pod == NULL || !remote_check_upgrade(call, forward) ||
	    (forward && !remote_check_ports(call))) {
		return;
	}
	if (asb_str(pod, "spec", "nodeName") == NULL) {
		call_fail(call, 400, NULL, "pod %s does not have a host assigned",
			  call->route.name);
		return;
	}
	if (call->api->node_socket == NULL) {
		call_fail(call, 503, NULL,
			  "no node is connected to this server, so nothing runs in the pod");
		return;
	}
	target = xnew(struct remote_target);
	target->forward = forward;
	target->protocol = forward ? REMOTE_FORWARD_PROTOCOL : REMOTE_PROTOCOL;
	if (forward) {
		buf_printf(&path, "/portforward/%s/", asb_uid(pod));
	} else if (!remote_exec_path(call, pod, target, &path)) {
		remote_target_free(target);
		return;
	}
	if (path.failed) {
		remote_target_free(target);
		call_fail(call, 413, NULL, "the command is longer than %u bytes", PATH_MAX_BYTES);
		return;
	}

	const char *address = forward ? remote_mirror_address(pod) : NULL;

	target->socket = xstrdup(address != NULL ? address : call->api->node_socket);
	target->path = buf_take(&path);
	remote_respond_with(call, target);
}
