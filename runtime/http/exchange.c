/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request from libmicrohttpd's first call about it to its last: guards, token,
 * route, body, handler. Called by libmicrohttpd, in the server's thread; response.c makes the
 * responses. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "runtime/http/request.h"
#include "runtime/http/server-private.h"

/* ---- the header section ---- */

void *request_on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct server *server = arg;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	request_drop(info->socket_context);

	struct request *request = xnew(struct request);

	*request = (struct request){ .server = server,
				     .mhd = mhd,
				     .connection = info->socket_context,
				     .target = xstrndup(target, strnlen(target, TARGET_MAX + 1)),
				     .references = 1 };
	LIST_INSERT_HEAD(&server->requests, request, link);
	request->connection->request = request;
	return request;
}

/* Compares in a time that does not depend on where they differ. */
static bool exchange_same_secret(const char *given, const char *secret)
{
	size_t length = strlen(given), wanted = strlen(secret);
	volatile unsigned char difference = length == wanted ? 0 : 1;

	for (size_t i = 0; i < length; i++) {
		difference |= (unsigned char)(given[i] ^ secret[wanted > 0 ? i % wanted : 0]);
	}
	return difference == 0;
}

static bool exchange_is_allowed(const struct request *request)
{
	static const char scheme[] = "bearer ";
	const char *token = request->server->token;
	const char *given = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);

	if (token == NULL || (request->route != NULL && request->route->open)) {
		return true;
	}
	if (given == NULL || strncasecmp(given, scheme, sizeof(scheme) - 1) != 0) {
		return false;
	}
	given += sizeof(scheme) - 1;
	return exchange_same_secret(given + strspn(given, " "), token);
}

static const char *exchange_refusal_text(unsigned int status)
{
	switch (status) {
	case MHD_HTTP_URI_TOO_LONG:
		return "URI Too Long";
	case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
		return "Request Header Fields Too Large";
	default:
		return "Bad Request";
	}
}

/* The length that the header section promises; UINT64_MAX when it says none. */
static uint64_t exchange_body_length(const struct request *request)
{
	const char *text = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
	int64_t length;

	if (request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL) {
		return UINT64_MAX;
	}
	if (text == NULL) {
		return 0;
	}
	return integer_parse(text, 0, INT64_MAX, &length) == 0 ? (uint64_t)length : UINT64_MAX;
}

/* A body that no route wants is read and dropped, up to a limit. */
static size_t exchange_body_most(const struct route *route)
{
	return route->body_max != 0 ? route->body_max : DISCARD_MAX;
}

static bool exchange_is_too_large(const struct request *request, uint64_t length)
{
	return length > exchange_body_most(request->route);
}

static void exchange_respond_too_large(struct request *request)
{
	CLEANUP_BUF struct buf text = BUF_INIT(128);

	buf_printf(&text, "The body is larger than %zu bytes", exchange_body_most(request->route));
	request_respond_detail(request, MHD_HTTP_CONTENT_TOO_LARGE, buf_str(&text));
}

static void exchange_check_request(struct request *request)
{
	unsigned int refusal = head_check(request);
	uint64_t length = exchange_body_length(request);

	if (refusal != 0) {
		request->closes = true;
		request_respond_detail(request, refusal, exchange_refusal_text(refusal));
		return;
	}

	request->route = route_find(request);
	if (!exchange_is_allowed(request)) {
		request_drop_response(request);
		request_add_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
		request_respond_detail(request, MHD_HTTP_UNAUTHORIZED, "Not authenticated");
	}
	if (request->mhd_response != NULL) {
		return;
	}
	if (length != UINT64_MAX && exchange_is_too_large(request, length)) {
		exchange_respond_too_large(request);
		return;
	}
	request->body.ceiling = request->route->body_max;
	if (request->route->start != NULL) {
		request->route->start(request);
	}
}

/* Whether a response that is there before the body is sent at once, which ends the connection, or
 * after a small body that is read and dropped. libmicrohttpd supports the first for two methods
 * only. */
static bool exchange_responds_at_once(struct request *request)
{
	uint64_t length = exchange_body_length(request);
	bool small =
		length <= DISCARD_MAX && request_header(request, MHD_HTTP_HEADER_EXPECT) == NULL;

	if (request->mhd_response == NULL || (small && !request->closes)) {
		return false;
	}
	request->closes = true;
	return strcmp(request->method, MHD_HTTP_METHOD_POST) == 0 ||
	       strcmp(request->method, MHD_HTTP_METHOD_PUT) == 0;
}

static enum MHD_Result exchange_on_head(struct request *request, const char *method)
{
	uint64_t now = sched_now_us(request->server->sched);

	request->method = method;
	request->has_head = true;
	exchange_check_request(request);
	if (exchange_responds_at_once(request)) {
		guard_enter(&request->server->guard, request->connection, PHASE_BUSY, now);
		return response_queue(request);
	}
	guard_enter(&request->server->guard, request->connection, PHASE_BODY, now);
	request->connection->ignored =
		request->mhd_response != NULL ||
		(request->route->take == NULL && request->route->body_max == 0);
	return MHD_YES;
}

/* ---- the body ---- */

/* Frees the memory of the body. It stays counted until the request ends, since the command may have
 * taken parts of it. */
static void exchange_drop_body(struct request *request)
{
	buf_finish(&request->body);
	request->body = (struct buf)BUF_INIT(0);
}

static void exchange_collect_body(struct request *request, const char *data, size_t length)
{
	if (guard_hold(&request->server->guard, request->connection, length)) {
		buf_append(&request->body, data, length);
		return;
	}
	request->closes = true;
	request_add_header(request, "Retry-After", "1");
	request_respond_detail(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			       "The bodies of all requests take too much memory");
}

static enum MHD_Result exchange_on_body(struct request *request, const char *data, size_t length)
{
	if (request->connection->shut_down) {
		return MHD_NO;
	}
	request->received += length;
	request->connection->bytes += length;
	if (request->mhd_response != NULL) {
		return request->received > 2 * (uint64_t)DISCARD_MAX && request->closes ? MHD_NO
											: MHD_YES;
	}
	if (exchange_is_too_large(request, request->received)) {
		request->closes = true;
		request->received = 0; /* from here on it counts what is dropped */
		exchange_respond_too_large(request);
	} else if (request->route->take != NULL) {
		request->route->take(request, data, length);
		if (request->paused) {
			request->suspended = true;
			MHD_suspend_connection(request->mhd);
		}
	} else if (request->body.ceiling > 0) {
		exchange_collect_body(request, data, length);
	}
	if (request->mhd_response != NULL) {
		exchange_drop_body(request);
		guard_let_go(&request->server->guard, request->connection);
		request->connection->ignored = true;
	}
	return MHD_YES;
}

/* Refuses a Content-Length that libmicrohttpd has read in another way, such as one on two lines. */
static void exchange_check_length(struct request *request)
{
	uint64_t length = exchange_body_length(request);

	if (request->mhd_response == NULL && length != UINT64_MAX && length != request->received) {
		request->closes = true;
		request_respond_detail(request, MHD_HTTP_BAD_REQUEST,
				       exchange_refusal_text(MHD_HTTP_BAD_REQUEST));
	}
}

static enum MHD_Result exchange_on_complete(struct request *request)
{
	if (!request->handled) {
		exchange_check_length(request);
		request->handled = true;
		guard_enter(&request->server->guard, request->connection, PHASE_BUSY,
			    sched_now_us(request->server->sched));
		if (request->mhd_response == NULL) {
			request->route->handle(request);
		}
		exchange_drop_body(request);
	}
	if (request->mhd_response != NULL) {
		return response_queue(request);
	}
	if (request->connection->shut_down) {
		return MHD_NO; /* there is nobody to wait for the response */
	}
	request->suspended = true;
	MHD_suspend_connection(request->mhd);
	return MHD_YES;
}

enum MHD_Result request_on_data(void *arg UNUSED, struct MHD_Connection *mhd UNUSED,
				const char *url UNUSED, const char *method,
				const char *version UNUSED, const char *data, size_t *data_size,
				void **context)
{
	struct request *request = *context;
	size_t length = *data_size;

	*data_size = 0;
	if (!request->has_head) {
		*data_size = length;
		return exchange_on_head(request, method);
	}
	if (request->paused) { /* libmicrohttpd has already read more chunks of the body */
		*data_size = length;
		return MHD_YES;
	}
	return length > 0 ? exchange_on_body(request, data, length) : exchange_on_complete(request);
}

/* ---- the end ---- */

static void exchange_end(struct request *request)
{
	guard_let_go(&request->server->guard, request->connection);
	request->ended = true;
	request->connection->request = NULL;
	guard_enter(&request->server->guard, request->connection, PHASE_HEAD,
		    sched_now_us(request->server->sched));
	LIST_REMOVE(request, link);
	if (request->destroy != NULL) {
		request->destroy(request->data);
	}
	request_drop_response(request);
	free(request->target);
	free(request->rest);
	buf_finish(&request->body);
	request_unref(request);
}

void request_on_end(void *arg UNUSED, struct MHD_Connection *mhd UNUSED, void **context,
		    enum MHD_RequestTerminationCode why UNUSED)
{
	struct request *request = *context;

	if (request != NULL) {
		*context = NULL;
		exchange_end(request);
	}
}

/* libmicrohttpd reports the end only of requests that it has passed to request_on_data. A request
 * that it refuses itself (its query has too many parameters, for example) ends here with its
 * connection. */
void request_drop(struct connection *connection)
{
	if (connection->request != NULL) {
		exchange_end(connection->request);
	}
}
