/* SPDX-License-Identifier: Apache-2.0 */
/* asb_host.write_all: a plugin's writes become requests, and their responses part of the store.
 * Called by plugins. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/client/client.h"
#include "core/controller/controller-private.h"
#include "core/observe/log.h"

/* A write that is being sent: the request, and what is needed when its response comes. */
struct sending {
	struct asb_write *write;
	struct client_write request;
	bool needless; /* nothing would change: not sent */
	struct span span;
};

static const struct binding *host_write_binding_of(const struct call *call,
						   const struct asb_write *write)
{
	return &call->controller->bindings[write->watch];
}

/* Whether the plugin declares all of status: else the object may have more of it than is stored. */
static bool host_write_reads_status(const struct asb_watch *watch)
{
	for (const char *const *field = watch->fields; field != NULL && *field != NULL; field++) {
		if (strcmp(*field, "status") == 0) {
			return true;
		}
	}
	return false;
}

/* Whether the stored status is already the one that the plugin wants. */
static bool host_write_is_needless(const struct call *call, const struct asb_write *write)
{
	CLEANUP_JSON struct json_object *stored = NULL;
	struct store *store = host_write_binding_of(call, write)->store;

	if (write->verb != ASB_SET_STATUS || store == NULL || write->name == NULL ||
	    write->uid == NULL ||
	    !host_write_reads_status(&call->controller->plugin->watches[write->watch])) {
		return false;
	}
	stored = store_get_status(store, write->ns != NULL ? write->ns : "", write->name,
				  write->uid);
	return stored != NULL && json_same(stored, write->take_body);
}

static void host_write_prepare(struct call *call, struct asb_write *write, struct sending *ret)
{
	const struct plugin *plugin = call->controller->plugin;

	if (write->watch >= plugin->watch_count || write->verb < ASB_CREATE ||
	    write->verb > ASB_PATCH_STATUS) {
		log_error("plugin '%s' asks for write %u of watch %u, but has only %u watches",
			  plugin->head.name, write->verb, write->watch, plugin->watch_count);
		abort();
	}
	if (write->verb == ASB_CREATE) {
		write->name = asb_name(write->take_body);
		write->ns = write->ns != NULL ? write->ns : asb_ns(write->take_body);
	}
	write->result = ASB_OK;
	write->http_status = 0;
	write->ret = NULL;
	write->message = "";
	*ret = (struct sending){
		.write = write,
		.needless = host_write_is_needless(call, write),
		.request = {
			.verb = write->verb,
			.kind = &plugin->watches[write->watch].kind,
			.priority = write->priority != 0 ? (enum priority)write->priority : PRIORITY_CLAIM,
			.dry_run = (write->flags & ASB_DRY_RUN) != 0,
			.foreground = (write->flags & ASB_FOREGROUND) != 0,
			.metadata_only = host_write_binding_of(call, write)->metadata_only,
			.ns = write->ns != NULL ? write->ns : "",
			.name = write->name,
			.uid = write->uid,
			.resource_version = write->resource_version,
			.body = write->take_body,
		},
	};
}

/* Puts a response into the store and gives the plugin its tree. */
static void host_write_settle_object(struct call *call, struct asb_write *write,
				     const struct client_write *request)
{
	struct store *store = host_write_binding_of(call, write)->store;
	const char *text = buf_str(&request->response);
	size_t length = request->response.length;
	struct json_object *object = NULL;

	if (store == NULL) {
		write->ret = call_keep(call, json_parse(text, length, NULL));
		return;
	}
	if (!request->dry_run && store_response(store, text, length, &object) < 0) {
		log_warning(
			"the response to a write of '%s' is not an object with a name and a version, going on",
			request->kind->plural);
	}
	write->ret =
		call_keep(call, object != NULL ? object : store_transform(store, text, length));
}

static void host_write_settle(struct call *call, struct sending *sending)
{
	struct asb_write *write = sending->write;
	const struct client_write *request = &sending->request;
	struct store *store = host_write_binding_of(call, write)->store;

	write->result = request->result;
	write->http_status = request->http_status;
	if (request->result == ASB_OK && !request->gone && request->response.length > 0) {
		host_write_settle_object(call, write, request);
	}
	if (write->verb == ASB_DELETE && store != NULL && !request->dry_run &&
	    (request->result == ASB_NOT_FOUND || (request->result == ASB_OK && request->gone))) {
		store_removed(store, request->ns, request->name, write->uid);
	}
	if (request->result != ASB_OK) {
		char *message = call_alloc(call, sizeof(request->message));

		memcpy(message, request->message, sizeof(request->message));
		write->message = message;
	}
}

static void host_write_begin_span(struct call *call, struct sending *sending)
{
	const struct client_write *request = &sending->request;
	struct trace_context context = span_context(&call->span);

	if (!span_is_live(&call->span)) {
		return;
	}
	span_begin(call->controller->config.tracer, &context, SPAN_CLIENT, &sending->span);
	span_name(&sending->span, "%s %s", client_verb_name(request->verb), request->kind->plural);
	span_attribute(&sending->span, "k8s.namespace.name", request->ns);
	span_attribute(&sending->span, "k8s.object.name", request->name);
}

static void host_write_end_span(struct call *call, struct sending *sending)
{
	char status[16];

	if (span_is_live(&sending->span)) {
		snprintf(status, sizeof(status), "%d", (int)sending->request.http_status);
		span_attribute(&sending->span, "http.response.status_code", status);
		sending->span.end_us = sending->request.ended_us;
		span_end(call->controller->config.tracer, &sending->span,
			 sending->request.result == ASB_OK ? NULL : sending->request.message);
	}
}

int32_t host_write_all(struct asb_call *base, struct asb_write *writes, uint32_t count)
{
	struct call *call = (struct call *)base;
	struct sending sendings[ASB_WRITE_MAX];
	struct client_write requests[ASB_WRITE_MAX];
	size_t sent = 0;
	int32_t first = ASB_OK;

	if (count > ASB_WRITE_MAX) {
		log_error("plugin '%s' asks for %u writes at once, the limit is %u",
			  call->controller->plugin->head.name, count, ASB_WRITE_MAX);
		abort();
	}
	for (uint32_t i = 0; i < count; i++) {
		host_write_prepare(call, &writes[i], &sendings[i]);
		if (!sendings[i].needless) {
			host_write_begin_span(call, &sendings[i]);
			requests[sent++] = sendings[i].request;
		}
	}
	client_write_all(call->controller->config.client, requests, sent);
	sent = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!sendings[i].needless) {
			sendings[i].request = requests[sent];
			host_write_end_span(call, &sendings[i]);
			host_write_settle(call, &sendings[i]);
			client_write_finish(&requests[sent++]);
		}
		call_keep(call, TAKE(writes[i].take_body));
		first = first == ASB_OK ? writes[i].result : first;
	}
	return first;
}
