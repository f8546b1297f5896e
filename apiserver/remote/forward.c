/* SPDX-License-Identifier: Apache-2.0 */
/* port-forward: pairs of streams, an error and a data stream for each connection that kubectl took,
 * and a connection of the node to the pod's port for each pair. A session (apiserver/remote/remote.c) drives it. */
#include "config.h"

#include "apiserver/remote/remote-private.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "net/exec-frame.h"

#define ID_MAX 32     /* bytes of a requestID: a number */
#define TEXT_MAX 1024 /* of what the node says of a failure */

struct pair {
	char id[ID_MAX];
	uint32_t error, data; /* streams; 0: not open (any more) */
	int64_t port;
	bool linked; /* the connection was asked for */
	bool in_ended, out_ended;
	struct link_node link;
};

struct forward {
	struct remote_session *session;
	struct pair *pairs[REMOTE_PAIRS_MAX];
	size_t count;
};

static void *forward_create(struct remote_session *session)
{
	struct forward *forward = xnew(struct forward);

	/* A client may wait for its first connection as long as it likes. */
	forward->session = session;
	return forward;
}

static void pair_free(struct pair *pair)
{
	link_node_finish(&pair->link);
	free(pair);
}

static void forward_destroy(void *state)
{
	struct forward *forward = state;

	for (size_t i = 0; i < forward->count; i++) {
		pair_free(forward->pairs[i]);
	}
	free(forward);
}

/* ---- ends ---- */

static void forward_end_stream(struct forward *forward, uint32_t *stream, const char *text)
{
	if (*stream != 0) {
		spdy_put_data(*stream, text, strlen(text), true, &forward->session->out);
	}
	*stream = 0;
}

/* Both streams end, with a sentence on the error stream when there is one. */
static void forward_finish(struct forward *forward, struct pair *pair, const char *text)
{
	CLEANUP_FREE char *sentence = NULL;

	if (*text != '\0') {
		sentence = xprintf("error forwarding port %lld: %s", (long long)pair->port, text);
	}
	if (!pair->out_ended) {
		forward_end_stream(forward, &pair->data, "");
	}
	forward_end_stream(forward, &pair->error, sentence != NULL ? sentence : "");
	pair->data = 0;
	link_node_finish(&pair->link);
}

/* ---- from the client ---- */

static struct pair *forward_find(struct forward *forward, uint32_t stream)
{
	for (size_t i = 0; i < forward->count; i++) {
		if (forward->pairs[i]->data == stream || forward->pairs[i]->error == stream) {
			return forward->pairs[i];
		}
	}
	return NULL;
}

/* That of an id, or a new one; NULL: there are too many. */
static struct pair *pair_of(struct forward *forward, const char *id, int64_t port)
{
	struct pair *pair;

	for (size_t i = 0; i < forward->count; i++) {
		if (strcmp(forward->pairs[i]->id, id) == 0) {
			return forward->pairs[i];
		}
	}
	if (forward->count == REMOTE_PAIRS_MAX) {
		return NULL;
	}
	pair = xnew(struct pair);
	snprintf(pair->id, sizeof(pair->id), "%s", id);
	pair->port = port;
	link_node_init(&pair->link);
	forward->pairs[forward->count++] = pair;
	return pair;
}

static void forward_begin(struct forward *forward, struct pair *pair)
{
	const struct remote_target *target = forward->session->target;
	CLEANUP_FREE char *path = xprintf("%s%lld", target->path, (long long)pair->port);
	struct error error = { 0 };

	pair->linked = true;
	if (link_node_open(&pair->link, target->socket, path, EXEC_FORWARD, &error) < 0) {
		forward_finish(forward, pair, error.text);
	}
}

static int forward_on_opened(void *arg, uint32_t stream, const struct spdy_headers *headers,
			     bool fin)
{
	struct forward *forward = arg;
	const char *type = spdy_header(headers, "streamtype");
	const char *id = spdy_header(headers, "requestid");
	const char *text = spdy_header(headers, "port");
	bool error = type != NULL && strcmp(type, "error") == 0;
	bool data = type != NULL && strcmp(type, "data") == 0;
	struct pair *pair = NULL;
	int64_t port = 0;

	/* The session's deadline is for the first of its streams. */
	forward->session->deadline_us = SCHED_FOREVER;
	if ((error || data) && id != NULL && strlen(id) < ID_MAX && text != NULL &&
	    integer_parse(text, 1, UINT16_MAX, &port) == 0) {
		pair = pair_of(forward, id, port);
	}
	if (pair == NULL || pair->linked || (error ? pair->error : pair->data) != 0) {
		spdy_put_reset(stream, SPDY_RESET_REFUSED, &forward->session->out);
		return 0;
	}
	spdy_put_reply(forward->session->spdy, stream, &forward->session->out);
	if (error) {
		pair->error = stream;
	} else {
		pair->data = stream;
		pair->in_ended = fin;
		pair->link.out_ends = fin;
	}
	if (pair->error != 0 && pair->data != 0) {
		forward_begin(forward, pair);
	}
	return 0;
}

static int forward_on_data(void *arg, uint32_t stream, const char *data, size_t length, bool fin)
{
	struct pair *pair = stream != 0 ? forward_find(arg, stream) : NULL;

	if (pair == NULL || stream != pair->data || pair->in_ended) {
		return 0;
	}
	if (length > 0 && !pair->link.out_ended) {
		buf_append(&pair->link.out, data, length);
	}
	pair->in_ended = fin;
	pair->link.out_ends = fin;
	return 0;
}

static int forward_on_reset(void *arg, uint32_t stream, uint32_t why UNUSED)
{
	struct pair *pair = stream != 0 ? forward_find(arg, stream) : NULL;

	if (pair != NULL && stream == pair->data) {
		pair->out_ended = true; /* nothing is to be said there */
		forward_finish(arg, pair, "");
		pair->linked = true;
	} else if (pair != NULL) {
		pair->error = 0;
	}
	return 0;
}

static int forward_on_ping(void *arg, uint32_t id)
{
	const struct forward *forward = arg;

	spdy_put_ping(id, &forward->session->out);
	return 0;
}

/* ---- from the node ---- */

static void forward_take_bytes(struct forward *forward, struct pair *pair)
{
	struct link_node *link = &pair->link;

	if (link->in.length > 0) {
		if (!pair->out_ended) {
			spdy_put_data(pair->data, link->in.data, link->in.length, false,
				      &forward->session->out);
		}
		buf_clear(&link->in);
	}
	if (link->ended && !pair->out_ended) {
		spdy_put_data(pair->data, "", 0, true, &forward->session->out);
		forward_end_stream(forward, &pair->error, "");
		pair->out_ended = true;
	}
	/* kubectl before 1.23 closes its side of the data after our end of the errors. */
	if (link->ended && (pair->in_ended || link->out_ended)) {
		forward_finish(forward, pair, "");
	}
}

static void forward_take_refusal(struct forward *forward, struct pair *pair)
{
	char text[TEXT_MAX];

	if (pair->link.ended || pair->link.in.length >= sizeof(text)) {
		snprintf(text, sizeof(text), "%s", buf_str(&pair->link.in));
		text[strcspn(text, "\r\n")] = '\0';
		forward_finish(forward, pair, *text != '\0' ? text : "the node refuses");
	}
}

/* A stream whose client reads nothing holds up all others, as in Kubernetes: they share one
 * connection. */
static bool forward_full(const void *state)
{
	const struct forward *forward = state;

	for (size_t i = 0; i < forward->count; i++) {
		if (forward->pairs[i]->link.out.length >= REMOTE_FULL) {
			return true;
		}
	}
	return false;
}

static bool forward_reads(const struct forward *forward)
{
	return forward->session->out.length < REMOTE_FULL;
}

static size_t forward_polls(const void *state, struct pollfd *fds)
{
	const struct forward *forward = state;

	for (size_t i = 0; i < forward->count; i++) {
		fds[i] = link_node_poll(&forward->pairs[i]->link, forward_reads(forward));
	}
	return forward->count;
}

static void forward_move_pair(struct forward *forward, struct pair *pair, short events)
{
	/* Others may have come first this time. */
	if (!link_node_move(&pair->link, events, forward_reads(forward))) {
		forward_finish(forward, pair, "the node answers what is no HTTP");
	} else if (pair->link.status == 101) {
		forward_take_bytes(forward, pair);
	} else if (pair->link.status != 0) {
		forward_take_refusal(forward, pair);
	}
}

static bool forward_move(void *state, const struct pollfd *fds, size_t count)
{
	struct forward *forward = state;
	size_t kept = 0;

	/* Pairs are only added between this and the polls before it, at the end. */
	for (size_t i = 0; i < forward->count; i++) {
		struct pair *pair = forward->pairs[i];

		if (i < count && pair->link.fd >= 0) {
			forward_move_pair(forward, pair, fds[i].revents);
		}
		if (pair->linked && pair->link.fd < 0) {
			pair_free(pair);
		} else {
			forward->pairs[kept++] = pair;
		}
	}
	forward->count = kept;
	return true;
}

static const struct spdy_events events = { forward_on_opened, forward_on_data, forward_on_reset,
					   forward_on_ping };

const struct remote_kind remote_forward_kind = { forward_create, forward_destroy, &events,
						 forward_full,   forward_polls,   forward_move };
