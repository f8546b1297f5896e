/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted transport. Used by the tests of client, leader and events. */
#include "config.h"

#include "tests/unit/core/talk-server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/memory.h"

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void sent_finish(struct sent *sent)
{
	free(sent->method);
	free(sent->path);
	free(sent->accept);
	free(sent->content_type);
	free(sent->body);
}

static void pass(struct talk_server *server, uint64_t us)
{
	uint64_t until = sched_now_us(server->sched) + us;

	while (sched_now_us(server->sched) < until) {
		sched_cond_wait(&server->waiting, &server->lock, until);
	}
}

static void serve_one(struct talk_server *server, const struct http_request *request,
		      size_t together, struct http_response *response)
{
	struct sent sent = {
		.when_us = sched_now_us(server->sched),
		.method = copy(request->method),
		.path = copy(request->path),
		.accept = copy(request->accept),
		.content_type = copy(request->content_type),
		.body = request->body != NULL ? xstrndup(request->body, request->body_length)
					      : NULL,
		.timeout_ms = request->timeout_ms,
		.together = together,
	};

	*response = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };
	if (request->may_send != NULL && !request->may_send(request->may_send_arg)) {
		response_fails(response, -ECANCELED, false);
	} else if (server->stopped) {
		response_fails(response, -ECANCELED, false);
	} else {
		server->serve(server, &sent, response);
	}
	if (server->count < SENT_MAX) {
		server->sent[server->count] = sent;
	} else {
		sent_finish(&sent);
	}
	server->count++;
}

static void perform(struct transport *transport, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct talk_server *server = CONTAINER_OF(transport, struct talk_server, transport);
	uint64_t delay;

	LOCKED(&server->lock);
	for (size_t i = 0; i < count; i++) {
		serve_one(server, &requests[i], count, &responses[i]);
	}
	delay = server->delay_us;
	if (delay > 0) {
		/* As libcurl would: what takes longer than its timeout is no response. */
		uint64_t most = (uint64_t)requests[0].timeout_ms * 1000;

		pass(server, delay < most ? delay : most);
		for (size_t i = 0; i < count && delay > most; i++) {
			http_response_finish(&responses[i]);
			response_fails(&responses[i], -ETIMEDOUT, true);
		}
	}
}

static void stop(struct transport *transport)
{
	struct talk_server *server = CONTAINER_OF(transport, struct talk_server, transport);

	LOCKED(&server->lock);
	server->stopped = true;
}

static const struct transport_ops ops = { .perform = perform, .stop = stop };

void talk_server_init(struct talk_server *server, struct sched *sched,
		      void (*serve)(struct talk_server *server, const struct sent *sent,
				    struct http_response *response),
		      void *arg)
{
	*server = (struct talk_server){
		.transport = { .ops = &ops }, .sched = sched, .serve = serve, .arg = arg
	};
	sched_mutex_init(&server->lock, sched);
	sched_cond_init(&server->waiting, sched);
}

void talk_server_finish(struct talk_server *server)
{
	for (size_t i = 0; i < server->count && i < SENT_MAX; i++) {
		sent_finish(&server->sent[i]);
	}
	sched_cond_finish(&server->waiting);
	sched_mutex_finish(&server->lock);
}

size_t talk_server_sent(const struct talk_server *server, const char *method)
{
	size_t count = 0;

	for (size_t i = 0; i < server->count && i < SENT_MAX; i++) {
		count += strcmp(server->sent[i].method, method) == 0 ? 1 : 0;
	}
	return count;
}

void respond_with(struct http_response *response, int status, const char *body)
{
	response->status = status;
	buf_append_str(&response->body, body);
}

void response_fails(struct http_response *response, int result, bool maybe_sent)
{
	response->result = result;
	response->maybe_sent = maybe_sent;
	response->status = 0;
	snprintf(response->error, sizeof(response->error), "no response: %s", strerror(-result));
}

void talk_sleep(struct talk_server *server, uint64_t us)
{
	LOCKED(&server->lock);
	pass(server, us);
}
