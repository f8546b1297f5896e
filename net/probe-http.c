/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the one request of an HTTP probe with libcurl. Called by the node's prober, on its threads.
 */
#include "config.h"

#include "net/probe-http.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/memory.h"

struct probing {
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	char *url; /* of the current request */
	size_t body;
	bool enough; /* of the body */
	char error[CURL_ERROR_SIZE];
};

static size_t probe_on_body(char *data, size_t size, size_t count, void *arg)
{
	struct probing *probing = arg;

	(void)data;
	probing->body += size * count;
	probing->enough = probing->body > PROBE_BODY_MAX;
	return probing->enough ? 0 : size * count;
}

static void probe_probing_finish(struct probing *probing)
{
	if (probing->multi != NULL && probing->easy != NULL) {
		curl_multi_remove_handle(probing->multi, probing->easy);
	}
	curl_easy_cleanup(probing->easy);
	curl_multi_cleanup(probing->multi);
	curl_slist_free_all(probing->headers);
	free(probing->url);
}

static int probe_add_header(struct probing *probing, const char *header)
{
	/* libcurl takes "Name:" for a header to leave out, and "Name;" for an empty one. */
	const char *colon = strchr(header, ':');
	bool empty = colon != NULL && colon[1 + strspn(colon + 1, " ")] == '\0';
	CLEANUP_FREE char *text =
		empty ? xprintf("%.*s;", (int)(colon - header), header) : xstrdup(header);
	struct curl_slist *longer = curl_slist_append(probing->headers, text);

	if (longer == NULL) {
		return -ENOMEM;
	}
	probing->headers = longer;
	return 0;
}

static CURLcode probe_set_options(struct probing *probing, const struct probe_http *request)
{
	CURL *easy = probing->easy;
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_SSL_VERIFYPEER, 0 },
		{ CURLOPT_SSL_VERIFYHOST, 0 },
		{ CURLOPT_FRESH_CONNECT, 1 },
		{ CURLOPT_FORBID_REUSE, 1 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_CONNECT_ONLY, request->connect_only },
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; code == CURLE_OK && i < ARRAY_LEN(numbers); i++) {
		code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	}
	if (code == CURLE_OK) {
		code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	}
	if (code == CURLE_OK) {
		code = curl_easy_setopt(easy, CURLOPT_USERAGENT, request->user_agent);
	}
	if (code == CURLE_OK) {
		code = curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one of the environment */
	}
	if (code == CURLE_OK) {
		code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, probing->headers);
	}
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, probing->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, probe_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, probing);
	return code;
}

/* Runs one request to its end. The result of libcurl is in *ret. */
static int probe_http_perform(struct probing *probing, const struct probe_http *request,
			      CURLcode *ret)
{
	struct curl_waitfd stop = { .fd = request->stop_fd, .events = CURL_WAIT_POLLIN };
	unsigned int extra = request->stop_fd >= 0 ? 1 : 0;
	int running = 1, left;
	CURLMsg *message;

	while (curl_multi_perform(probing->multi, &running) == CURLM_OK && running > 0) {
		stop.revents = 0;
		if (curl_multi_poll(probing->multi, &stop, extra, 1000, NULL) != CURLM_OK) {
			return -ECONNREFUSED;
		}
		if (stop.revents != 0) {
			return -ECANCELED;
		}
	}
	message = curl_multi_info_read(probing->multi, &left);
	if (message == NULL || message->msg != CURLMSG_DONE) {
		return -ECONNREFUSED;
	}
	*ret = message->data.result;
	return 0;
}

static int probe_one_request(struct probing *probing, const struct probe_http *request,
			     long timeout_ms, struct error *reterr)
{
	CURLcode result = CURLE_FAILED_INIT;
	int code;

	probing->body = 0;
	probing->error[0] = '\0';
	if (curl_easy_setopt(probing->easy, CURLOPT_URL, probing->url) != CURLE_OK ||
	    curl_easy_setopt(probing->easy, CURLOPT_TIMEOUT_MS, timeout_ms) != CURLE_OK ||
	    curl_multi_add_handle(probing->multi, probing->easy) != CURLM_OK) {
		return error_set(reterr, -ECONNREFUSED, "libcurl did not take the request");
	}
	code = probe_http_perform(probing, request, &result);
	curl_multi_remove_handle(probing->multi, probing->easy);
	if (code < 0) {
		return error_set(reterr, code, "%s",
				 code == -ECANCELED ? "given up" : "no response");
	}
	if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && probing->enough)) {
		return 0;
	}
	return error_set(reterr, result == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -ECONNREFUSED,
			 "%s",
			 probing->error[0] != '\0' ? probing->error : curl_easy_strerror(result));
}

static char *probe_host_of(const char *url)
{
	CURLU *parts = curl_url();
	char *part = NULL, *host = NULL;

	if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &part, 0) == CURLUE_OK) {
		host = xstrdup(part);
	}
	curl_free(part);
	curl_url_cleanup(parts);
	return host;
}

/* The URL that a redirect leads to, if it is on the same host; else NULL: it is not followed. */
static char *probe_next_url(struct probing *probing, const struct probe_http *request)
{
	char *next = NULL;

	if (curl_easy_getinfo(probing->easy, CURLINFO_REDIRECT_URL, &next) != CURLE_OK ||
	    next == NULL) {
		return NULL;
	}

	CLEANUP_FREE char *here = probe_host_of(request->url);
	CLEANUP_FREE char *there = probe_host_of(next);

	return here != NULL && there != NULL && strcmp(here, there) == 0 ? xstrdup(next) : NULL;
}

/* Milliseconds that the request took, so that redirects share one timeout. */
static long probe_took_ms(struct probing *probing)
{
	curl_off_t us = 0;

	curl_easy_getinfo(probing->easy, CURLINFO_TOTAL_TIME_T, &us);
	return (long)(us / 1000);
}

static int probe_http_follow(struct probing *probing, const struct probe_http *request,
			     int *ret_status, struct error *reterr)
{
	long left_ms = (long)request->timeout_ms, status = 0;
	int code;

	for (int redirects = 0;; redirects++) {
		code = probe_one_request(probing, request, left_ms, reterr);
		if (code < 0) {
			return code;
		}
		curl_easy_getinfo(probing->easy, CURLINFO_RESPONSE_CODE, &status);

		char *next = probe_next_url(probing, request);

		if (next == NULL) {
			*ret_status = (int)status;
			return 0;
		}
		free(probing->url);
		probing->url = next;
		if (redirects == PROBE_REDIRECTS_MAX) {
			return error_set(reterr, -ECONNREFUSED, "stopped after %d redirects",
					 PROBE_REDIRECTS_MAX);
		}
		left_ms -= probe_took_ms(probing);
		if (left_ms <= 0) {
			return error_set(reterr, -ETIMEDOUT, "timed out among redirects");
		}
	}
}

int probe_http(const struct probe_http *request, int *ret_status, struct error *reterr)
{
	CLEANUP(probe_probing_finish)
	struct probing probing = {
		.easy = curl_easy_init(),
		.multi = curl_multi_init(),
		.url = xstrdup(request->url),
	};

	if (probing.easy == NULL || probing.multi == NULL) {
		return error_set(reterr, -ECONNREFUSED, "libcurl has no memory for a request");
	}
	for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
		if (probe_add_header(&probing, request->headers[i]) < 0) {
			return error_set(reterr, -ECONNREFUSED,
					 "libcurl has no memory for headers");
		}
	}
	if (probe_set_options(&probing, request) != CURLE_OK) {
		return error_set(reterr, -ECONNREFUSED, "libcurl does not take the request");
	}
	return probe_http_follow(&probing, request, ret_status, reterr);
}
