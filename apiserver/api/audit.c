/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: one JSON line for each write, in the form of the real server's audit events. A
 * line says who wrote what, when, and with which response; it never holds a body. The API calls
 * it for each request that may write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "apiserver/api/api-private.h"
#include "base/json.h"
#include "base/utf8.h"

/* A URI as long as the server takes, each byte escaped, and the names that were decoded from it. */
#define LINE_MAX_BYTES (128u << 10)

int audit_open(struct api *api, struct error *reterr)
{
	const char *path = api->config.audit_log;

	api->audit = -1;
	if (path == NULL) {
		return 0;
	}
	api->audit = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return api->audit >= 0 ? 0
			       : error_set(reterr, -errno, "cannot write the audit log '%s': %s",
					   path, strerror(errno));
}

void audit_close(struct api *api)
{
	if (api->audit >= 0) {
		close(api->audit);
	}
}

static const char *audit_verb_of(const struct api_call *call)
{
	static const struct {
		const char *method, *verb;
	} verbs[] = { { "POST", "create" }, { "PUT", "update" }, { "PATCH", "patch" } };
	const char *method = call->request->method;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(method, verbs[i].method) == 0) {
			return verbs[i].verb;
		}
	}
	if (strcmp(method, "DELETE") == 0) {
		return *call->route.name != '\0' ? "delete" : "deletecollection";
	}
	return NULL;
}

static void audit_add_time(struct buf *line, const char *name, int64_t us)
{
	char text[21];

	asb_time_format(us / 1000, text);
	text[19] = '\0'; /* without the Z */
	buf_printf(line, ",\"%s\":\"%s.%06" PRId64 "Z\"", name, text, us % 1000000);
}

/* Names as they were decoded, and what a client called itself: the line stays one line of text, also
 * for who looks at it on a terminal. */
static void audit_add_text(struct buf *line, const char *name, const char *text)
{
	buf_printf(line, "\"%s\":\"", name);
	while (*text != '\0') {
		size_t length = utf8_length(text);
		unsigned char c = (unsigned char)*text;

		if (length == 0) {
			buf_append_str(line, "\\ufffd");
		} else if (length == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0) {
			buf_printf(line, "\\u%04x", (unsigned char)text[1]);
		} else if (c < ' ' || c == 0x7f) {
			buf_printf(line, "\\u%04x", c);
		} else {
			buf_append(line, c == '"' || c == '\\' ? "\\" : "",
				   c == '"' || c == '\\' ? 1 : 0);
			buf_append(line, text, length);
		}
		text += length > 0 ? length : 1;
	}
	buf_append_char(line, '"');
}

/* A URI is ASCII: what was sent raw all the same is shown encoded, which means the same. */
static void audit_add_encoded(struct buf *line, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\') {
			buf_printf(line, "%%%02X", c);
		} else {
			buf_append_char(line, *text);
		}
	}
}

static void audit_add_uri(struct buf *line, const struct api_request *request)
{
	buf_append_str(line, "\"requestURI\":\"");
	audit_add_encoded(line, request->path);
	if (*request->query != '\0') {
		buf_append_char(line, '?');
		audit_add_encoded(line, request->query);
	}
	buf_append_char(line, '"');
}

void audit_write(const struct api_call *call, int64_t received_us)
{
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);
	const struct api *api = call->api;
	const struct route *route = &call->route;
	const char *verb = audit_verb_of(call);

	if (api->audit < 0 || verb == NULL) {
		return;
	}
	buf_printf(
		&line,
		"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\",\"stage\":\"ResponseComplete\",\"verb\":\"%s\",",
		verb);
	audit_add_uri(&line, call->request);
	buf_append_str(&line, ",\"user\":{");
	audit_add_text(&line, "username", call->request->user);
	buf_append_str(&line, "},\"objectRef\":{");
	audit_add_text(&line, "resource", route->resource);
	buf_append_char(&line, ',');
	audit_add_text(&line, "namespace", route->ns);
	buf_append_char(&line, ',');
	audit_add_text(&line, "name", *route->name != '\0' ? route->name : call->body_name);
	buf_append_char(&line, ',');
	audit_add_text(&line, "apiGroup", route->group);
	if (*route->subresource != '\0') {
		buf_append_char(&line, ',');
		audit_add_text(&line, "subresource", route->subresource);
	}
	buf_printf(&line, "},\"responseStatus\":{\"code\":%d}", call->response->status);
	audit_add_time(&line, "requestReceivedTimestamp", received_us);
	audit_add_time(&line, "stageTimestamp", sched_wall_us(api->sched));
	buf_append_str(&line, "}\n");
	/* A part of a line would also make the next line unreadable. */
	if (line.failed) {
		return;
	}
	/* A log that cannot be written is no reason to refuse the API. */
	(void)!write(api->audit, buf_str(&line), line.length);
}
