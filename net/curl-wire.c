/* SPDX-License-Identifier: Apache-2.0 */
/* Easy handles: all options that are set for a request, and all that libcurl reports of a response.
 * Used by the request thread (curl-engine.c) and by streams (curl-stream.c), a handle by one thread
 * at a time. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "net/curl-internal.h"
#include "net/retry-after.h"

/* ---- what libcurl calls ---- */

/* Sockets must not leak into exec plugins; libcurl 7.88 opens them without CLOEXEC. */
static curl_socket_t wire_on_open(void *arg UNUSED, curlsocktype purpose UNUSED,
				  struct curl_sockaddr *address)
{
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A peer that vanished is noticed in 30 s, with and without data in flight. Only a hint: failures
 * do not matter. */
static int wire_on_socket(void *arg UNUSED, curl_socket_t fd, curlsocktype purpose UNUSED)
{
	int probes = 3;
	unsigned int unacknowledged_ms = 30000;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
			 sizeof(unacknowledged_ms));
	return CURL_SOCKOPT_OK;
}

/* The connection is up and the request goes out now. libcurl sends it again by itself when a kept
 * connection turns out dead, so only this, and no error code, tells that nothing was sent. */
static int wire_on_ready(void *arg, char *peer UNUSED, char *own UNUSED, int peer_port UNUSED,
			 int own_port UNUSED)
{
	struct wire *wire = arg;
	struct exchange *exchange = wire->exchange;

	if (exchange->request->may_send != NULL &&
	    !exchange->request->may_send(exchange->request->may_send_arg)) {
		return CURL_PREREQFUNC_ABORT;
	}
	exchange->response->maybe_sent = true;
	return CURL_PREREQFUNC_OK;
}

static void wire_read_retry_after(struct exchange *exchange, struct sched *sched, const char *line,
				  size_t length)
{
	static const char name[] = "retry-after:";

	if (length >= sizeof(name) && strncasecmp(line, name, sizeof(name) - 1) == 0) {
		exchange->response->retry_after_ms =
			retry_after_ms(line + sizeof(name) - 1, length - (sizeof(name) - 1),
				       sched_wall_us(sched), RETRY_AFTER_MAX_MS);
	}
}

/* Sees the lines of every response on the way, those with 100 too: each begins again. */
static size_t wire_on_header(char *line, size_t size, size_t count, void *arg)
{
	struct wire *wire = arg;
	struct exchange *exchange = wire->exchange;
	size_t length = size * count;

	exchange->head_seen = true;
	if (exchange->batch == NULL) {
		exchange->last_byte_us = sched_now_us(wire->transport->sched);
	}
	exchange->head_size += length;
	if (exchange->head_size > HEAD_MAX) {
		exchange->too_big = true;
		return 0;
	}
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		exchange->response->retry_after_ms = 0;
		exchange->head_whole = false;
	} else if (line[0] == '\r' || line[0] == '\n') {
		exchange->head_whole = true;
	}
	wire_read_retry_after(exchange, wire->transport->sched, line, length);
	return length;
}

static size_t wire_on_body(char *data, size_t size, size_t count, void *arg)
{
	struct wire *wire = arg;
	struct exchange *exchange = wire->exchange;
	size_t length = size * count;
	long status = 0;

	if (exchange->batch == NULL) {
		exchange->last_byte_us = sched_now_us(wire->transport->sched);
		curl_easy_getinfo(wire->easy, CURLINFO_RESPONSE_CODE, &status);
	}
	if (exchange->bytes != NULL && status == 200) {
		exchange->bytes_ended = exchange->bytes(exchange->bytes_arg, data, length) != 0;
		return exchange->bytes_ended ? 0 : length;
	}
	if (buf_append(&exchange->response->body, data, length) < 0) {
		exchange->too_big = true;
		return 0;
	}
	return length;
}

/* ---- a handle's life ---- */

static CURLcode wire_set_numbers(CURL *easy, const struct curl_transport *transport,
				 long buffer_size)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		/* A name server that hangs must not hold up a cancel. */
		{ CURLOPT_QUICK_EXIT, 1 },
		{ CURLOPT_NOPROGRESS, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_SSL_VERIFYPEER, !transport->insecure },
		{ CURLOPT_SSL_VERIFYHOST, transport->insecure ? 0 : 2 },
		/* Rotated CA files count soon; the default is a day. */
		{ CURLOPT_CA_CACHE_TIMEOUT, 60 },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_PATH_AS_IS, 1 },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		/* Authorization is not for proxies. */
		{ CURLOPT_HEADEROPT, CURLHEADER_SEPARATE },
		{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS },
		/* API servers close idle connections after 90 s. */
		{ CURLOPT_MAXAGE_CONN, 60 },
		{ CURLOPT_MAXLIFETIME_CONN, 1800 },
		{ CURLOPT_TCP_NODELAY, 1 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_TCP_KEEPIDLE, 30 },
		{ CURLOPT_TCP_KEEPINTVL, 10 },
		{ CURLOPT_BUFFERSIZE, buffer_size },
		{ CURLOPT_UPLOAD_BUFFERSIZE, REQUEST_BUFFER },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		CURLcode code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);

		if (code != CURLE_OK) {
			return code;
		}
	}
	return CURLE_OK;
}

/* CAPATH goes first: Debian's default is a directory, which would be trusted besides a given CA and
 * rules out the cache. */
static CURLcode wire_set_trust(CURL *easy, const struct curl_transport *transport)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);

	if (code == CURLE_OK && transport->ca_pem != NULL) {
		struct curl_blob blob = { transport->ca_pem, strlen(transport->ca_pem),
					  CURL_BLOB_NOCOPY };

		code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
	} else if (code == CURLE_OK && transport->ca_file != NULL) {
		code = curl_easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
	}
	return code;
}

static CURLcode wire_set_texts(CURL *easy, const struct curl_transport *transport)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");

	if (code == CURLE_OK) {
		code = curl_easy_setopt(easy, CURLOPT_USERAGENT, transport->user_agent);
	}
	if (code == CURLE_OK && transport->connect_to != NULL) {
		code = curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transport->connect_to);
	}
	if (code == CURLE_OK && transport->unix_socket != NULL) {
		code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, transport->unix_socket);
		if (code == CURLE_OK) {
			/* Whatever the environment says. */
			code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
		}
	}
	if (code == CURLE_OK && transport->proxy_url != NULL) {
		code = curl_easy_setopt(easy, CURLOPT_PROXY, transport->proxy_url);
		if (code == CURLE_OK) {
			/* A proxy that was named is used for every host. */
			code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
		}
	}
	return code;
}

static void wire_set_callbacks(struct wire *wire)
{
	CURL *easy = wire->easy;

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, wire->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, wire);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, wire_on_open);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, wire_on_socket);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, wire_on_ready);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, wire);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, wire_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, wire);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, wire_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, wire);
}

struct wire *wire_create(struct curl_transport *transport, long buffer_size, struct error *reterr)
{
	CURL *easy = curl_easy_init();
	CURLcode code =
		easy != NULL ? wire_set_numbers(easy, transport, buffer_size) : CURLE_OUT_OF_MEMORY;

	if (code == CURLE_OK) {
		code = wire_set_trust(easy, transport);
	}
	if (code == CURLE_OK) {
		code = wire_set_texts(easy, transport);
	}
	if (code != CURLE_OK) {
		curl_easy_cleanup(easy);
		error_set(reterr, -EINVAL, "libcurl does not take the configuration: %s",
			  curl_easy_strerror(code));
		return NULL;
	}

	struct wire *wire = xnew(struct wire);

	wire->transport = transport;
	wire->easy = easy;
	wire->url = (struct buf)BUF_INIT(URL_MAX);
	wire->accept = (struct buf)BUF_INIT(HEADER_LINE_MAX);
	wire->content_type = (struct buf)BUF_INIT(HEADER_LINE_MAX);
	wire_set_callbacks(wire);
	return wire;
}

void wire_destroy(struct wire *wire)
{
	if (wire == NULL) {
		return;
	}
	curl_easy_cleanup(wire->easy);
	buf_finish(&wire->url);
	buf_finish(&wire->accept);
	buf_finish(&wire->content_type);
	free(wire);
}

/* ---- an exchange ---- */

static CURLcode wire_set_certificate(struct wire *wire, const struct auth *auth)
{
	if (wire->auth_id == auth->id) {
		return CURLE_OK;
	}

	struct curl_blob certificate = { auth->certificate, 0, CURL_BLOB_COPY },
			 key = { auth->key, 0, CURL_BLOB_COPY };
	bool given = auth->certificate != NULL;

	if (given) {
		certificate.len = strlen(auth->certificate);
		key.len = strlen(auth->key);
	}

	CURLcode code =
		curl_easy_setopt(wire->easy, CURLOPT_SSLCERT_BLOB, given ? &certificate : NULL);

	if (code == CURLE_OK) {
		code = curl_easy_setopt(wire->easy, CURLOPT_SSLKEY_BLOB, given ? &key : NULL);
	}
	wire->auth_id = code == CURLE_OK ? auth->id : 0;
	return code;
}

/* The headers that differ from request to request are nodes of our own in front of the shared list:
 * libcurl only reads. */
static CURLcode wire_set_headers(struct wire *wire, const struct http_request *request,
				 const struct auth *auth)
{
	struct curl_slist *headers = auth->headers;

	buf_clear(&wire->accept);
	buf_clear(&wire->content_type);
	buf_append_str(&wire->accept, "Accept: ");
	if (buf_append_str(&wire->accept,
			   request->accept != NULL ? request->accept : "application/json") < 0) {
		return CURLE_BAD_FUNCTION_ARGUMENT;
	}
	if (request->content_type != NULL) {
		buf_append_str(&wire->content_type, "Content-Type: ");
		if (buf_append_str(&wire->content_type, request->content_type) < 0) {
			return CURLE_BAD_FUNCTION_ARGUMENT;
		}
		wire->content_type_node = (struct curl_slist){ wire->content_type.data, headers };
		headers = &wire->content_type_node;
	}
	wire->accept_node = (struct curl_slist){ wire->accept.data, headers };
	return curl_easy_setopt(wire->easy, CURLOPT_HTTPHEADER, &wire->accept_node);
}

static CURLcode wire_set_method(CURL *easy, const struct http_request *request)
{
	bool head = strcmp(request->method, "HEAD") == 0;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);

	if (code == CURLE_OK && head) {
		code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	if (code == CURLE_OK && request->content_type != NULL) {
		/* The size first: with it, POSTFIELDS need not be text. Not copied: the caller
		 * waits. */
		code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)request->body_length);
		if (code == CURLE_OK) {
			code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
						request->body != NULL ? request->body : "");
		}
	}
	return code != CURLE_OK ? code
				: curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
						   head ? NULL : request->method);
}

static CURLcode wire_set_url(struct wire *wire, const struct http_request *request)
{
	buf_clear(&wire->url);
	buf_append_str(&wire->url, wire->transport->base_url);
	if (request->path[0] != '/' || buf_append_str(&wire->url, request->path) < 0) {
		return CURLE_URL_MALFORMAT;
	}
	return curl_easy_setopt(wire->easy, CURLOPT_URL, buf_str(&wire->url));
}

int wire_begin(struct wire *wire, struct exchange *exchange, long timeout_ms)
{
	CURLcode code = wire_set_url(wire, exchange->request);

	wire->error[0] = '\0';
	if (code == CURLE_OK) {
		code = wire_set_method(wire->easy, exchange->request);
	}
	if (code == CURLE_OK) {
		code = wire_set_headers(wire, exchange->request, exchange->auth);
	}
	if (code == CURLE_OK) {
		code = wire_set_certificate(wire, exchange->auth);
	}
	if (code == CURLE_OK) {
		code = curl_easy_setopt(wire->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	}
	if (code != CURLE_OK) {
		exchange_fail(exchange, -EINVAL, curl_easy_strerror(code));
		return -EINVAL;
	}
	wire->exchange = exchange;
	return 0;
}

static int wire_result_of(const struct exchange *exchange, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		/* libcurl takes a connection that ends within the head for the end of the response.
		 */
		return exchange->head_whole ? 0 : -EPROTO;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return -ECONNRESET;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_WRITE_ERROR:
		return exchange->too_big ? -EMSGSIZE : exchange->bytes_ended ? -ECANCELED : -EPROTO;
	default:
		return -EPROTO;
	}
}

void exchange_fail(struct exchange *exchange, int result, const char *why)
{
	exchange->response->result = result;
	snprintf(exchange->response->error, sizeof(exchange->response->error), "%s", why);
}

void wire_end(struct wire *wire, CURLcode code)
{
	struct exchange *exchange = wire->exchange;
	struct http_response *response = exchange->response;
	int result = wire_result_of(exchange, code);
	long status = 0;

	curl_easy_getinfo(wire->easy, CURLINFO_RESPONSE_CODE, &status);
	response->status = (int)status;
	if (exchange->too_big) {
		exchange_fail(exchange, result, "the response is larger than the limit");
	} else if (exchange->bytes_ended) {
		exchange_fail(exchange, result, "the reader has had enough");
	} else if (code == CURLE_ABORTED_BY_CALLBACK) {
		exchange_fail(exchange, result,
			      response->maybe_sent
				      ? "its connection ended, and it may not be sent again"
				      : "not sent: it may not be any more");
	} else if (code == CURLE_OK && result != 0) {
		exchange_fail(exchange, result, "the response ended within its head");
	} else if (result != 0) {
		exchange_fail(exchange, result,
			      wire->error[0] != '\0' ? wire->error : curl_easy_strerror(code));
	}
	wire->exchange = NULL;
}

void wire_cancel(struct wire *wire, int result, const char *why)
{
	exchange_fail(wire->exchange, result, why);
	wire->exchange = NULL;
}
