/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as libcurl takes them: one immutable block a set, shared by the requests that use it,
 * made again only when the source says something else. Called by the transport and its streams, in
 * their callers' threads. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "net/curl-internal.h"

void http_credentials_finish(struct http_credentials *credentials)
{
	free(credentials->authorization);
	free(credentials->certificate);
	free(credentials->key);
	*credentials = (struct http_credentials){ 0 };
}

static bool auth_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool auth_is(const struct auth *auth, const struct http_credentials *credentials)
{
	return auth != NULL && auth->generation == credentials->generation &&
	       auth_same_text(auth->authorization, credentials->authorization);
}

static void auth_destroy(struct auth *auth)
{
	if (auth == NULL) {
		return;
	}
	curl_slist_free_all(auth->headers);
	free(auth->authorization);
	free(auth->certificate);
	free(auth->key);
	free(auth);
}

static void auth_add_header(struct auth *auth, const char *line)
{
	struct curl_slist *headers = curl_slist_append(auth->headers, line);

	if (headers == NULL) {
		abort();
	}
	auth->headers = headers;
}

/*
 * libcurl takes up a kept connection only if the certificate is the same text. The generation in
 * front, which PEM readers skip, makes it another text whenever the source says so.
 */
static struct auth *auth_create(const struct curl_transport *transport,
				const struct http_credentials *credentials)
{
	struct auth *auth = xnew(struct auth);

	auth->refs = 1;
	auth->generation = credentials->generation;
	if (credentials->authorization != NULL) {
		CLEANUP_FREE char *line = xprintf("Authorization: %s", credentials->authorization);

		auth->authorization = xstrdup(credentials->authorization);
		auth_add_header(auth, line);
	}
	if (credentials->certificate != NULL && credentials->key != NULL) {
		auth->certificate = xprintf("generation %" PRIu64 "\n%s", credentials->generation,
					    credentials->certificate);
		auth->key = xstrdup(credentials->key);
	}
	for (char **header = transport->headers; *header != NULL; header++) {
		auth_add_header(auth, *header);
	}
	return auth;
}

/* Asks the source. May block. */
static int auth_ask(struct curl_transport *transport, struct http_credentials *ret,
		    struct error *reterr)
{
	*ret = (struct http_credentials){ 0 };
	if (transport->source.get == NULL) {
		return 0;
	}

	int code = transport->source.get(transport->source.arg, ret, reterr);

	if (code < 0) {
		return code;
	}
	if (ret->authorization != NULL && strpbrk(ret->authorization, "\r\n") != NULL) {
		http_credentials_finish(ret);
		return error_set(reterr, -EINVAL, "the credentials hold a line break");
	}
	return 0;
}

struct auth *auth_acquire(struct curl_transport *transport, struct error *reterr)
{
	CLEANUP(http_credentials_finish) struct http_credentials credentials;
	struct auth *old = NULL, *auth;

	if (auth_ask(transport, &credentials, reterr) < 0) {
		return NULL;
	}

	LOCKED(&transport->lock);
	if (!auth_is(transport->auth, &credentials)) {
		old = transport->auth;
		transport->auth = auth_create(transport, &credentials);
		transport->auth->id = ++transport->last_auth_id;
		if (old != NULL && --old->refs == 0) {
			auth_destroy(old);
		}
	}
	auth = transport->auth;
	auth->refs++;
	return auth;
}

struct auth *auth_renew(struct curl_transport *transport, const struct auth *old)
{
	if (transport->source.refused == NULL || transport->source.get == NULL) {
		return NULL;
	}
	transport->source.refused(transport->source.arg, old->generation);

	struct auth *auth = auth_acquire(transport, NULL);

	if (auth != NULL && auth->id == old->id) {
		auth_release(transport, auth);
		return NULL;
	}
	return auth;
}

void auth_missing(struct http_response *response, const struct error *error)
{
	response->result = error->code < 0 ? error->code : -EACCES;
	snprintf(response->error, sizeof(response->error), "credentials: %.*s",
		 (int)sizeof(response->error) - 16, error->text);
}

void auth_release(struct curl_transport *transport, struct auth *auth)
{
	if (auth == NULL) {
		return;
	}

	bool last;

	{
		LOCKED(&transport->lock);
		last = --auth->refs == 0;
	}
	if (last) {
		auth_destroy(auth);
	}
}
