/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over libcurl as its users see it: its configuration, its life, and perform, which
 * hands requests to the request thread (curl-engine.c) and waits. Core's client and reflectors call
 * it through net/transport.h. */
#include "config.h"

#include "net/curl-transport.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "net/curl-internal.h"

#define CONNECTIONS_MAX 1024u

/* ---- perform ---- */

/* Queues the exchanges and waits for all of them. */
static void transport_run_batch(struct curl_transport *transport, struct exchange *exchanges,
				size_t count)
{
	struct batch batch = { .pending = count };
	bool wake;

	sched_cond_init(&batch.done, transport->sched);
	sched_mutex_lock(&transport->lock);
	if (transport->stopping) {
		sched_mutex_unlock(&transport->lock);
		for (size_t i = 0; i < count; i++) {
			exchange_fail(&exchanges[i], -ECANCELED, "the transport was stopped");
		}
		sched_cond_finish(&batch.done);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		exchanges[i].batch = &batch;
		exchanges[i].next = NULL;
		*transport->queue_tail = &exchanges[i];
		transport->queue_tail = &exchanges[i].next;
	}
	wake = transport->polling;
	transport->polling = false;
	if (wake) {
		/* Under the lock: after it, stop and destroy may come. */
		curl_multi_wakeup(transport->multi);
	}
	while (batch.pending > 0) {
		/* No deadline here: the request thread minds those of all exchanges, and stop. */
		sched_cond_wait(&batch.done, &transport->lock, SCHED_FOREVER);
	}
	sched_mutex_unlock(&transport->lock);
	sched_cond_finish(&batch.done);
}

/* Moves the refused exchanges to the front, ready to be sent again. Their responses stay in place.
 */
static size_t transport_collect_refused(struct exchange *exchanges, size_t count, struct auth *auth)
{
	size_t refused = 0;

	for (size_t i = 0; i < count; i++) {
		struct http_response *response = exchanges[i].response;

		if (response->result == 0 && response->status == 401) {
			buf_clear(&response->body);
			*response = (struct http_response){ .body = response->body };
			exchanges[refused++] = (struct exchange){
				.request = exchanges[i].request,
				.response = response,
				.auth = auth,
				.deadline_us = exchanges[i].deadline_us,
			};
		}
	}
	return refused;
}

static bool transport_any_refused(const struct http_response *responses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (responses[i].result == 0 && responses[i].status == 401) {
			return true;
		}
	}
	return false;
}

static void perform(struct transport *base, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct curl_transport *transport = CONTAINER_OF(base, struct curl_transport, base);
	CLEANUP_FREE struct exchange *exchanges = xnew_array(struct exchange, count);
	uint64_t now = sched_now_us(transport->sched);
	struct error error = { 0 };

	for (size_t i = 0; i < count; i++) {
		responses[i] = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };
	}

	struct auth *auth = auth_acquire(transport, &error);

	if (auth == NULL) {
		for (size_t i = 0; i < count; i++) {
			auth_missing(&responses[i], &error);
		}
		return;
	}
	for (size_t i = 0; i < count; i++) {
		exchanges[i].request = &requests[i];
		exchanges[i].response = &responses[i];
		exchanges[i].auth = auth;
		exchanges[i].deadline_us = now + requests[i].timeout_ms * UINT64_C(1000);
	}
	transport_run_batch(transport, exchanges, count);

	struct auth *other =
		transport_any_refused(responses, count) ? auth_renew(transport, auth) : NULL;

	if (other != NULL) {
		transport_run_batch(transport, exchanges,
				    transport_collect_refused(exchanges, count, other));
		auth_release(transport, other);
	}
	auth_release(transport, auth);
}

static void transport_stop(struct transport *base)
{
	struct curl_transport *transport = CONTAINER_OF(base, struct curl_transport, base);

	{
		LOCKED(&transport->lock);
		transport->stopping = true;
		transport->polling = false;
		curl_multi_wakeup(transport->multi);
		for (struct stream *stream = transport->streams; stream != NULL;
		     stream = stream->next) {
			curl_multi_wakeup(stream->multi);
		}
	}
	if (transport->source.stop != NULL) {
		transport->source.stop(transport->source.arg);
	}
}

void http_response_finish(struct http_response *response)
{
	buf_finish(&response->body);
}

/* ---- configuration ---- */

static void transport_add_to(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL) {
		abort();
	}
	*list = longer;
}

static void transport_cleanup_curl(char **text)
{
	curl_free(*text);
}
#define CLEANUP_CURL CLEANUP(transport_cleanup_curl)

static void transport_cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

/*
 * With a name of its own for TLS, that name stands in the URL, where libcurl takes the name to
 * check from, and the connection is led to the real host. The server still gets the Host header it
 * expects, as *ret_host.
 */
static int transport_split_server(struct curl_transport *transport,
				  const struct curl_transport_config *config, CURLU *url,
				  char **ret_host, struct error *reterr)
{
	char *scheme CLEANUP_CURL = NULL, *host CLEANUP_CURL = NULL, *path CLEANUP_CURL = NULL;
	char *port CLEANUP_CURL = NULL, *user CLEANUP_CURL = NULL, *query CLEANUP_CURL = NULL;

	if (curl_url_set(url, CURLUPART_URL, config->server, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
		return error_set(reterr, -EINVAL, "the server's address is not a URL");
	}
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
		return error_set(reterr, -EINVAL,
				 "the server's address is neither https nor http but '%s'", scheme);
	}
	if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
	    curl_url_get(url, CURLUPART_QUERY, &query, 0) == CURLUE_OK) {
		return error_set(reterr, -EINVAL,
				 "the server's address holds a user name or a query");
	}

	size_t length = strlen(path);

	while (length > 0 && path[length - 1] == '/') {
		length--;
	}

	bool named = config->tls_server_name != NULL && strcmp(scheme, "https") == 0;

	transport->base_url =
		xprintf("%s://%s:%s%.*s", scheme, named ? config->tls_server_name : host, port,
			(int)length, path);
	if (named) {
		CLEANUP_FREE char *target = xprintf("::%s:%s", host, port);

		transport_add_to(&transport->connect_to, target);
		*ret_host = strcmp(port, "443") == 0 ? xprintf("Host: %s", host)
						     : xprintf("Host: %s:%s", host, port);
	}
	return 0;
}

static int transport_check_lines(const struct curl_transport_config *config, struct error *reterr)
{
	if (config->server == NULL || config->user_agent == NULL) {
		return error_set(reterr, -EINVAL, "a server and a user agent are needed");
	}
	if (config->connections == 0 || config->connections > CONNECTIONS_MAX) {
		return error_set(reterr, -EINVAL, "%u connections are not between 1 and %u",
				 config->connections, CONNECTIONS_MAX);
	}
	if (strncasecmp(config->user_agent, "curl", 4) == 0 ||
	    strncasecmp(config->user_agent, "wget", 4) == 0 ||
	    strncasecmp(config->user_agent, "mozilla/5.0", 11) == 0) {
		return error_set(reterr, -EINVAL, "the API server would pretty-print for '%s'",
				 config->user_agent);
	}
	for (size_t i = 0; config->headers != NULL && config->headers[i] != NULL; i++) {
		if (strpbrk(config->headers[i], "\r\n") != NULL) {
			return error_set(reterr, -EINVAL, "a header holds a line break");
		}
	}
	return 0;
}

/* Names are looked up by a SOCKS proxy, as other Kubernetes clients have it: "socks5h" to libcurl.
 * Says nothing of the address, which may hold a password. */
static int transport_set_proxy(struct curl_transport *transport, const char *address,
			       struct error *reterr)
{
	static const char *const schemes[] = { "http://", "https://", "socks5h://" };

	if (address == NULL) {
		return 0;
	}
	if (strncasecmp(address, "socks5://", 9) == 0) {
		transport->proxy_url = xprintf("socks5h://%s", address + 9);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0) {
			transport->proxy_url = xstrdup(address);
			return 0;
		}
	}
	return error_set(reterr, -EINVAL, "the proxy's address is neither http, https nor socks5");
}

static char *transport_copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* Copies all settings, which do not change later. */
static int transport_configure(struct curl_transport *transport,
			       const struct curl_transport_config *config, struct error *reterr)
{
	CLEANUP(transport_cleanup_url) CURLU *url = curl_url();
	CLEANUP_FREE char *host = NULL;
	size_t given = 0, count = 0;
	int code = transport_check_lines(config, reterr);

	if (url == NULL) {
		abort();
	}
	if (code == 0) {
		code = transport_split_server(transport, config, url, &host, reterr);
	}
	if (code == 0) {
		code = transport_set_proxy(transport, config->proxy_url, reterr);
	}
	if (code < 0) {
		return code;
	}
	transport->ca_pem = transport_copy(config->ca_pem);
	transport->ca_file = transport_copy(config->ca_file);
	transport->user_agent = xstrdup(config->user_agent);
	transport->unix_socket = transport_copy(config->unix_socket);
	transport->insecure = config->insecure;
	transport->connections = config->connections;
	transport->source = config->credentials;

	while (config->headers != NULL && config->headers[given] != NULL) {
		given++;
	}
	transport->headers = xnew_array(char *, given + 3);
	/* No "Expect: 100-continue", which costs large bodies a round trip. */
	transport->headers[count++] = xstrdup("Expect:");
	if (host != NULL) {
		transport->headers[count++] = TAKE(host);
	}
	for (size_t i = 0; i < given; i++) {
		transport->headers[count++] = xstrdup(config->headers[i]);
	}
	return 0;
}

/* ---- life ---- */

static int transport_start_engine(struct curl_transport *transport, struct error *reterr)
{
	struct wire *wire = wire_create(transport, REQUEST_BUFFER, reterr);

	if (wire == NULL) {
		return -EINVAL;
	}
	transport->wires = xnew_array(struct wire *, transport->connections);
	transport->wires[transport->wire_count++] = wire;
	transport->idle = wire;

	transport->multi = curl_multi_init();
	if (transport->multi == NULL) {
		return error_set(reterr, -ENOMEM, "libcurl has no memory");
	}
	curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(transport->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			  (long)transport->connections);
	/* The default grows with the number of handles and never shrinks. */
	curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)transport->connections);
	transport->thread = sched_start(transport->sched, "requests", engine_run, transport);
	return 0;
}

/* A server that hangs up must not end the process. libcurl and OpenSSL leave few writes unguarded,
 * not none. */
static void transport_ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action.sa_handler = SIG_IGN;
		(void)sigaction(SIGPIPE, &action, NULL);
	}
}

static const struct transport_ops ops = { .perform = perform,
					  .stream = stream_run,
					  .stop = transport_stop };

struct transport *curl_transport_create(struct sched *sched,
					const struct curl_transport_config *config,
					struct error *reterr)
{
	struct curl_transport *transport = xnew(struct curl_transport);

	/* Counted, and safe against other threads since libcurl 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		error_set(reterr, -ENOMEM, "libcurl cannot start");
		free(transport);
		return NULL;
	}
	transport->base.ops = &ops;
	transport->sched = sched;
	sched_mutex_init(&transport->lock, sched);
	transport->queue_tail = &transport->queue;
	transport->waiting_tail = &transport->waiting;
	transport_ignore_sigpipe();
	if (transport_configure(transport, config, reterr) < 0 ||
	    transport_start_engine(transport, reterr) < 0) {
		curl_transport_destroy(&transport->base);
		return NULL;
	}
	return &transport->base;
}

void curl_transport_destroy(struct transport *base)
{
	if (base == NULL) {
		return;
	}

	struct curl_transport *transport = CONTAINER_OF(base, struct curl_transport, base);

	if (transport->thread != NULL) {
		transport_stop(base);
		sched_join(transport->thread);
	}
	engine_finish(transport);
	auth_release(transport, transport->auth);
	for (size_t i = 0; transport->headers != NULL && transport->headers[i] != NULL; i++) {
		free(transport->headers[i]);
	}
	free(transport->headers);
	curl_slist_free_all(transport->connect_to);
	free(transport->base_url);
	free(transport->ca_pem);
	free(transport->ca_file);
	free(transport->proxy_url);
	free(transport->user_agent);
	free(transport->unix_socket);
	sched_mutex_finish(&transport->lock);
	free(transport);
	curl_global_cleanup();
}
