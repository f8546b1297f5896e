/* SPDX-License-Identifier: Apache-2.0 */
/* The log of writes, one JSON line each in the form of the real server's audit events: who, what,
 * when, with what answer; never a body. The API tells it each request that may write. */
#include "config.h"

#include "base/json.h"
#include "local/api-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384u

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

static const char *verb_of(const struct api_call *call)
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

static void add_time(struct buf *line, const char *name, int64_t us)
{
	char text[21];

	asb_time_format(us / 1000, text);
	text[19] = '\0'; /* without the Z */
	buf_printf(line, ",\"%s\":\"%s.%06" PRId64 "Z\"", name, text, us % 1000000);
}

static void add_text(struct buf *line, const char *name, const char *text)
{
	buf_printf(line, "\"%s\":", name);
	buf_append_json(line, text, strlen(text));
}

void audit_write(const struct api_call *call, int64_t received_us)
{
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);
	const struct api *api = call->api;
	const struct route *route = &call->route;
	const char *verb = verb_of(call);

	if (api->audit < 0 || verb == NULL) {
		return;
	}
	buf_printf(&line,
		   "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\","
		   "\"stage\":\"ResponseComplete\",\"verb\":\"%s\",",
		   verb);
	add_text(&line, "requestURI", call->request->path);
	buf_cut(&line, line.length - 1);
	if (*call->request->query != '\0') {
		buf_append_char(&line, '?');
		/* As it was sent: encoded, so it has no quotes. */
		buf_append(&line, call->request->query, strcspn(call->request->query, "\"\\"));
	}
	buf_append_str(&line, "\",\"user\":{");
	add_text(&line, "username", call->request->user);
	buf_append_str(&line, "},\"objectRef\":{");
	add_text(&line, "resource", route->resource);
	buf_append_char(&line, ',');
	add_text(&line, "namespace", route->ns);
	buf_append_char(&line, ',');
	add_text(&line, "name", *route->name != '\0' ? route->name : call->body_name);
	buf_append_char(&line, ',');
	add_text(&line, "apiGroup", route->group);
	if (*route->subresource != '\0') {
		buf_append_char(&line, ',');
		add_text(&line, "subresource", route->subresource);
	}
	buf_printf(&line, "},\"responseStatus\":{\"code\":%d}", call->answer->status);
	add_time(&line, "requestReceivedTimestamp", received_us);
	add_time(&line, "stageTimestamp", sched_wall_us(api->sched));
	buf_append_str(&line, "}\n");
	/* A log that cannot be written is no reason to refuse the API. */
	(void)!write(api->audit, buf_str(&line), line.length);
}
