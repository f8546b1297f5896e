/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request: authenticates the client, takes the body as it comes, and sends the API's
 * response. libmicrohttpd calls it on its threads. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apiserver/api/token.h"
#include "apiserver/remote/remote.h"
#include "base/memory.h"
#include "base/number.h"

#define PROTOCOLS_MAX 1024u /* of X-Stream-Protocol-Version */

struct exchange {
	char *uri; /* as it was sent; NULL: too long */
	char user[TOKEN_USER_MAX];
	struct buf body;
	size_t held; /* of server->bodies */
	size_t discarded;
	int refused; /* the status of the refusal, 0: none */
	bool started, responded;
	bool taken_over; /* the connection belongs to a session, or did */
	struct ask *ask; /* the response waits for the node, and its connection is suspended */
};

static const char *exchange_header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value != NULL ? value : "";
}

/* ---- responses ---- */

static void exchange_add_header(struct MHD_Response *mhd_response, const char *name,
				const char *value)
{
	(void)MHD_add_response_header(mhd_response, name, value);
}

/* Each as: 299 - "text", what would end the quotes escaped. */
static void exchange_add_warnings(struct MHD_Response *mhd_response, const char *warnings)
{
	while (warnings != NULL && *warnings != '\0') {
		size_t length = strcspn(warnings, "\n");
		CLEANUP_BUF struct buf value = BUF_INIT(8192);

		buf_append_str(&value, "299 - \"");
		for (size_t i = 0; i < length; i++) {
			if (warnings[i] == '"' || warnings[i] == '\\') {
				buf_append_char(&value, '\\');
			}
			buf_append_char(&value, warnings[i]);
		}
		buf_append_char(&value, '"');
		exchange_add_header(mhd_response, "Warning", buf_str(&value));
		warnings += length;
		warnings += *warnings == '\n' ? 1 : 0;
	}
}

static enum MHD_Result exchange_queue(struct MHD_Connection *connection, int status,
				      struct MHD_Response *take_response)
{
	enum MHD_Result queued =
		MHD_queue_response(connection, (unsigned int)status, take_response);

	MHD_destroy_response(take_response);
	return queued;
}

/* The bytes of a response until they are sent, or its connection ends. */
struct unread {
	char *data;
	struct budget_share share;
};

static void exchange_free_unread(void *arg)
{
	struct unread *unread = arg;

	budget_release(&unread->share);
	free(unread->data);
	free(unread);
}

static struct MHD_Response *exchange_buffer_response(struct api_response *response)
{
	struct unread *unread = xnew(struct unread);
	size_t size = response->body.length;
	struct MHD_Response *mhd_response;

	unread->share = response->unread;
	response->unread = (struct budget_share){ 0 };
	unread->data = buf_take(&response->body);
	mhd_response = MHD_create_response_from_buffer_with_free_callback_cls(
		size, unread->data, exchange_free_unread, unread);
	if (mhd_response == NULL) {
		exchange_free_unread(unread);
	}
	return mhd_response;
}

static enum MHD_Result exchange_refuse(struct server *server, struct MHD_Connection *connection,
				       int status);

static enum MHD_Result exchange_send_response(struct server *server,
					      struct MHD_Connection *connection,
					      struct api_response *response)
{
	struct MHD_Response *mhd_response;
	char number[16];

	if (response->remote != NULL) {
		if (!remote_enter(server->remote)) {
			return exchange_refuse(server, connection, 429);
		}
		upgrade_start(server, connection, TAKE(response->remote));
		return MHD_YES;
	}
	if (response->watch != NULL || response->podlog != NULL) {
		mhd_response = stream_response(server, connection, response);
	} else {
		mhd_response = exchange_buffer_response(response);
	}
	if (mhd_response == NULL) {
		return MHD_NO;
	}
	exchange_add_header(mhd_response, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	exchange_add_header(mhd_response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache, private");
	if (response->allow != NULL) {
		exchange_add_header(mhd_response, MHD_HTTP_HEADER_ALLOW, response->allow);
	}
	if (response->retry_after_s > 0) {
		snprintf(number, sizeof(number), "%d", response->retry_after_s);
		exchange_add_header(mhd_response, MHD_HTTP_HEADER_RETRY_AFTER, number);
	}
	if (response->status == 401) {
		exchange_add_header(mhd_response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				    "Bearer realm=\"agent-sandbox-local\"");
	}
	exchange_add_warnings(mhd_response, response->warnings);
	return exchange_queue(connection, response->status, mhd_response);
}

static enum MHD_Result exchange_refuse(struct server *server, struct MHD_Connection *connection,
				       int status)
{
	static const struct {
		int status;
		const char *message;
	} messages[] = {
		{ 401, "Unauthorized" },
		{ 413, "the body of the request is too large: limit is 3145728 bytes" },
		{ 414, "the URI is too long" },
		{ 429,
		  "too many sessions in pods or requests for logs are open: end one, or try again" },
		{ 503, "the bodies of all requests together are too large now: try again" },
	};
	struct api_response response;
	const char *message = "the server refuses the request";

	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		message = messages[i].status == status ? messages[i].message : message;
	}
	api_refuse(status, message, &response);
	response.retry_after_s = status == 503 || status == 429 ? 1 : response.retry_after_s;

	enum MHD_Result sent = exchange_send_response(server, connection, &response);

	api_response_finish(&response);
	return sent;
}

/* ---- who asks ---- */

/* The unix socket has mode 0600, but a process may pass an open descriptor on, so the peer's
 * user is checked. */
static bool exchange_peer_is_us(struct MHD_Connection *connection)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(link_of(connection)->http.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) ==
		       0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static bool exchange_is_tls(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL;
}

static bool exchange_identify(struct server *server, struct MHD_Connection *connection,
			      struct exchange *exchange)
{
	if (!exchange_is_tls(connection)) {
		snprintf(exchange->user, sizeof(exchange->user), "system:local");
		return exchange_peer_is_us(connection);
	}
	return token_check(server->config.token,
			   exchange_header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
			   sched_wall_us(server->config.sched) / 1000000, exchange->user);
}

/* Probes carry no token. */
static bool exchange_is_public(const char *uri)
{
	static const char *const paths[] = { "/healthz", "/livez", "/readyz", "/version" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (strcmp(uri, paths[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* ---- a request's life ---- */

/* libmicrohttpd keeps each parameter in the connection's memory. When they do not fit it neither
 * answers nor closes. */
static bool exchange_has_too_many_parameters(const char *uri)
{
	size_t count = 0;

	for (const char *at = strchr(uri, '?'); at != NULL; at = strchr(at + 1, '&')) {
		count++;
	}
	return count > SERVER_PARAMETERS_MAX;
}

void *exchange_begin(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct server *server = arg;
	struct link *link = link_of(connection);
	struct exchange *exchange = xnew(struct exchange);

	exchange->uri = strlen(uri) <= SERVER_URI_MAX ? xstrdup(uri) : NULL;
	exchange->body.ceiling = API_BODY_MAX;
	http_guard_head(server->guard, &link->http);
	exchange_free(server, link->exchange);
	link->exchange = exchange;
	if (exchange_has_too_many_parameters(uri)) {
		http_guard_cut(server->guard, &link->http);
	}
	return exchange;
}

/* Frees the body, and its share of the bytes of all requests. */
static void exchange_drop_body(struct server *server, struct exchange *exchange)
{
	buf_finish(&exchange->body);

	LOCKED(&server->lock);
	server->bodies -= exchange->held;
	exchange->held = 0;
}

static void exchange_drop_ask(struct exchange *exchange)
{
	struct api_response response;

	if (exchange->ask != NULL) {
		ask_finish(TAKE(exchange->ask), &response);
		api_response_finish(&response);
	}
}

void exchange_free(struct server *server, struct exchange *exchange)
{
	if (exchange != NULL) {
		exchange_drop_ask(exchange);
		exchange_drop_body(server, exchange);
		free(exchange->uri);
		free(exchange);
	}
}

void exchange_end(void *arg, struct MHD_Connection *connection, void **request_arg,
		  enum MHD_RequestTerminationCode why UNUSED)
{
	struct server *server = arg;
	struct link *link = link_of(connection);

	*request_arg = NULL;
	link_phase(server, connection, HTTP_PHASE_HEAD);
	exchange_free(server, TAKE(link->exchange));
}

/* The Content-Length: 0 if there is none, SIZE_MAX if it is not a length. */
static size_t exchange_announced(struct MHD_Connection *connection)
{
	const char *text = exchange_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	int64_t length = 0;

	if (*text == '\0') {
		return 0;
	}
	return integer_parse(text, 0, INT64_MAX, &length) == 0 ? (size_t)length : SIZE_MAX;
}

/* Handles the header section. The body of a request that is refused now is not read, or is
 * discarded. */
static enum MHD_Result exchange_start(struct server *server, struct MHD_Connection *connection,
				      struct exchange *exchange)
{
	size_t length = exchange_announced(connection);
	bool expects = *exchange_header(connection, MHD_HTTP_HEADER_EXPECT) != '\0';

	exchange->started = true;
	link_phase(server, connection, HTTP_PHASE_BODY);
	if (exchange->uri == NULL) {
		exchange->refused = 414;
	} else if (!exchange_identify(server, connection, exchange) &&
		   !exchange_is_public(exchange->uri)) {
		exchange->refused = 401;
	} else if (length > API_BODY_MAX) {
		exchange->refused = 413;
	}
	if (exchange->refused != 0 && (length > SERVER_DISCARD_MAX || expects)) {
		return exchange_refuse(server, connection, exchange->refused);
	}
	return MHD_YES;
}

/* Whether all bodies together leave room for so many bytes more of this one. */
static bool exchange_has_room(struct server *server, struct exchange *exchange, size_t size)
{
	LOCKED(&server->lock);
	if (size > SERVER_BODIES_MAX - server->bodies) {
		return false;
	}
	server->bodies += size;
	exchange->held += size;
	return true;
}

static enum MHD_Result exchange_take_data(struct server *server, struct exchange *exchange,
					  const char *data, size_t size)
{
	if (exchange->refused == 0 && !exchange_has_room(server, exchange, size)) {
		exchange->refused = 503;
	} else if (exchange->refused == 0 && buf_append(&exchange->body, data, size) < 0) {
		exchange->refused = 413;
	}
	if (exchange->refused != 0) {
		exchange_drop_body(server, exchange);
		exchange->discarded += size;
	}
	return exchange->discarded <= SERVER_DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* Each header of the name, "a, b". */
static enum MHD_Result exchange_add_protocol(void *arg, enum MHD_ValueKind kind UNUSED,
					     const char *name, const char *value)
{
	struct buf *protocols = arg;

	if (strcasecmp(name, "X-Stream-Protocol-Version") == 0 && value != NULL) {
		buf_printf(protocols, "%s%s", protocols->length > 0 ? ", " : "", value);
	}
	return MHD_YES;
}

/* Sends what the API has made of the request, and frees it. */
static enum MHD_Result exchange_send_result(struct server *server,
					    struct MHD_Connection *connection,
					    struct exchange *exchange, struct api_response *result)
{
	exchange->taken_over = result->remote != NULL;

	enum MHD_Result sent = exchange_send_response(server, connection, result);

	exchange->taken_over = exchange->taken_over && result->remote == NULL;
	api_response_finish(result);
	return sent;
}

static enum MHD_Result exchange_ask(struct server *server, struct MHD_Connection *connection,
				    struct exchange *exchange, const struct api_request *request)
{
	exchange->ask = ask_start(server, connection, request);
	return exchange->ask != NULL ? MHD_YES : exchange_refuse(server, connection, 429);
}

static enum MHD_Result exchange_response(struct server *server, struct MHD_Connection *connection,
					 const char *method, struct exchange *exchange)
{
	char *query = strchr(exchange->uri, '?');

	if (query != NULL) {
		*query++ = '\0';
	}

	CLEANUP_BUF struct buf protocols = BUF_INIT(PROTOCOLS_MAX);
	struct api_request request = {
		.method = method,
		.path = exchange->uri,
		.query = query != NULL ? query : "",
		.accept = exchange_header(connection, MHD_HTTP_HEADER_ACCEPT),
		.content_type = exchange_header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
		.user = exchange->user,
		.upgrade = exchange_header(connection, MHD_HTTP_HEADER_UPGRADE),
		.body = buf_str(&exchange->body),
		.length = exchange->body.length,
	};
	struct api_response result;

	if (ask_is(&request)) {
		return exchange_ask(server, connection, exchange, &request);
	}
	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, exchange_add_protocol,
					&protocols);
	request.protocols = buf_str(&protocols);
	api_handle(server->config.api, &request, &result);
	return exchange_send_result(server, connection, exchange, &result);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *connection,
				const char *url UNUSED, const char *method,
				const char *version UNUSED, const char *data, size_t *data_size,
				void **request_arg)
{
	struct server *server = arg;
	struct exchange *exchange = *request_arg;

	if (!exchange->started) {
		return exchange_start(server, connection, exchange);
	}
	if (*data_size > 0) {
		size_t size = *data_size;

		*data_size = 0;
		return exchange_take_data(server, exchange, data, size);
	}
	if (exchange->ask != NULL) {
		struct api_response result;

		ask_finish(TAKE(exchange->ask), &result);
		return exchange_send_result(server, connection, exchange, &result);
	}
	if (exchange->responded) {
		/* A session in a pod has given the connection back. */
		return exchange->taken_over ? MHD_NO : MHD_YES;
	}
	exchange->responded = true;
	if (exchange->refused != 0) {
		/* The deadline of the body stays, so that a client without a token holds the
		 * connection no longer. */
		return exchange_refuse(server, connection, exchange->refused);
	}
	link_phase(server, connection, HTTP_PHASE_ANSWER);
	return exchange_response(server, connection, method, exchange);
}
