/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted transport. Used by the tests of reflector, controller and manager. */
#include "config.h"

#include "tests/unit/core/core-script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define SETTLE_US 600000000u

static struct script *script_of(struct transport *transport)
{
	return CONTAINER_OF(transport, struct script, transport);
}

static void note_sent(struct script *script, const struct http_request *request, uint32_t idle_ms)
{
	if (script->sent_count < SCRIPT_SENT_MAX) {
		script->sent[script->sent_count] = (struct script_sent){
			.when_us = sched_now_us(script->sched),
			.line = xprintf("%s %s", request->method, request->path),
			.accept = request->accept != NULL ? xstrdup(request->accept) : NULL,
			.body = request->body != NULL
					? xstrndup(request->body, request->body_length)
					: NULL,
			.idle_ms = idle_ms,
		};
	}
	script->sent_count++;
}

/* Takes the first step for a line. */
static struct script_step *take_step(struct script *script, const char *line, bool feed)
{
	for (size_t i = 0; i < script->step_count; i++) {
		struct script_step *step = &script->steps[i];

		if (!step->used && step->feed == feed && strstr(line, step->match) != NULL) {
			step->used = true;
			sched_cond_broadcast(&script->changed);
			return step;
		}
	}
	return NULL;
}

static void fail(struct http_response *response, int result)
{
	response->result = result;
	response->maybe_sent = result != -ECANCELED && result != -ECONNREFUSED;
	snprintf(response->error, sizeof(response->error), "%s", strerror(-result));
}

/* ---- requests ---- */

static void perform_one(struct script *script, const struct http_request *request,
			struct http_response *response)
{
	CLEANUP_FREE char *line = xprintf("%s %s", request->method, request->path);
	struct script_step *step;

	*response = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };
	if (script->stopped) {
		fail(response, -ECANCELED);
		return;
	}
	note_sent(script, request, 0);
	step = take_step(script, line, false);
	if (step == NULL && script->serve != NULL) {
		script->serve(script, request, response);
	} else if (step == NULL) {
		response->status = 500;
		buf_append_str(&response->body, "no step for this");
	} else if (step->status < 0) {
		fail(response, step->status);
	} else {
		response->status = step->status;
		buf_append(&response->body, step->body, step->length);
	}
}

static void perform(struct transport *transport, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct script *script = script_of(transport);

	LOCKED(&script->lock);
	for (size_t i = 0; i < count; i++) {
		perform_one(script, &requests[i], &responses[i]);
	}
}

/* ---- streams ---- */

struct reader {
	transport_bytes bytes;
	void *arg;
};

/* Hands bytes over, the lock not held. */
static int hand_over(struct script *script, const struct reader *reader,
		     const struct script_step *step)
{
	size_t piece = script->piece > 0 ? script->piece : step->length;
	int result = 0;

	sched_mutex_unlock(&script->lock);
	for (size_t at = 0; at < step->length && result == 0; at += piece) {
		size_t rest = step->length - at;

		result = reader->bytes(reader->arg, step->body + at, rest < piece ? rest : piece);
	}
	sched_mutex_lock(&script->lock);
	return result != 0 ? -ECANCELED : 0;
}

/* What comes on an open stream until it ends; the result of that. */
static int run_stream(struct script *script, const char *line, uint32_t idle_ms,
		      const struct reader *reader)
{
	uint64_t deadline = sched_now_us(script->sched) + (uint64_t)idle_ms * 1000;

	while (!script->stopped) {
		const struct script_step *step = take_step(script, line, true);

		if (step != NULL && step->length > 0) {
			if (hand_over(script, reader, step) != 0) {
				return -ECANCELED;
			}
			deadline = sched_now_us(script->sched) + (uint64_t)idle_ms * 1000;
		} else if (step != NULL) {
			return step->status;
		} else if (sched_now_us(script->sched) >= deadline) {
			return -ETIMEDOUT;
		} else {
			sched_cond_wait(&script->changed, &script->lock, deadline);
		}
	}
	return -ECANCELED;
}

static void stream(struct transport *transport, const struct http_request *request,
		   uint32_t idle_ms, transport_bytes bytes, void *arg, struct http_response *ret)
{
	struct script *script = script_of(transport);
	CLEANUP_FREE char *line = xprintf("%s %s", request->method, request->path);
	const struct reader reader = { .bytes = bytes, .arg = arg };
	struct script_step *step;
	int result = 0;

	*ret = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };
	LOCKED(&script->lock);
	note_sent(script, request, idle_ms);
	step = take_step(script, line, false);
	if (script->stopped) {
		fail(ret, -ECANCELED);
		return;
	}
	if (step != NULL && step->status != 200) {
		if (step->status < 0) {
			fail(ret, step->status);
		} else {
			ret->status = step->status;
			buf_append(&ret->body, step->body, step->length);
		}
		return;
	}
	ret->status = 200;
	script->streams++;
	sched_cond_broadcast(&script->changed);
	if (step != NULL) {
		result = hand_over(script, &reader, step);
	}
	if (result == 0) {
		result = run_stream(script, line, idle_ms, &reader);
	}
	script->streams--;
	sched_cond_broadcast(&script->changed);
	if (result != 0) {
		fail(ret, result);
	}
}

static void stop(struct transport *transport)
{
	struct script *script = script_of(transport);

	LOCKED(&script->lock);
	script->stopped = true;
	sched_cond_broadcast(&script->changed);
}

static const struct transport_ops ops = { .perform = perform, .stream = stream, .stop = stop };

/* ---- for the test ---- */

void script_init(struct script *script, struct sched *sched)
{
	*script = (struct script){ .transport = { .ops = &ops }, .sched = sched };
	sched_mutex_init(&script->lock, sched);
	sched_cond_init(&script->changed, sched);
}

void script_finish(struct script *script)
{
	for (size_t i = 0; i < script->step_count; i++) {
		free(script->steps[i].match);
		free(script->steps[i].body);
	}
	for (size_t i = 0; i < script->sent_count && i < SCRIPT_SENT_MAX; i++) {
		free(script->sent[i].line);
		free(script->sent[i].accept);
		free(script->sent[i].body);
	}
	sched_cond_finish(&script->changed);
	sched_mutex_finish(&script->lock);
}

static void add_step(struct script *script, struct script_step step)
{
	LOCKED(&script->lock);

	if (script->step_count == SCRIPT_STEPS_MAX) {
		abort();
	}
	script->steps[script->step_count++] = step;
	sched_cond_broadcast(&script->changed);
}

/* A copy with every ' turned into ". */
static char *quoted(const char *text)
{
	char *copy = xstrdup(text != NULL ? text : "");

	for (char *at = copy; (at = strchr(at, '\'')) != NULL;) {
		*at = '"';
	}
	return copy;
}

void script_response(struct script *script, const char *match, int status, const char *body)
{
	char *text = quoted(body);

	add_step(script, (struct script_step){ .match = xstrdup(match),
					       .body = text,
					       .length = strlen(text),
					       .status = status });
}

void script_response_bytes(struct script *script, const char *match, int status, const char *bytes,
			   size_t length)
{
	char *copy = xalloc(length + 1);

	memcpy(copy, bytes, length);
	add_step(script, (struct script_step){ .match = xstrdup(match),
					       .body = copy,
					       .length = length,
					       .status = status });
}

void script_feed(struct script *script, const char *match, const char *body)
{
	char *text = quoted(body);

	add_step(script, (struct script_step){ .match = xstrdup(match),
					       .body = text,
					       .length = strlen(text),
					       .feed = true });
}

void script_end(struct script *script, const char *match, int result)
{
	add_step(script,
		 (struct script_step){ .match = xstrdup(match), .status = result, .feed = true });
}

static bool is_settled(const struct script *script, unsigned int streams)
{
	for (size_t i = 0; i < script->step_count; i++) {
		if (!script->steps[i].used) {
			return false;
		}
	}
	return script->streams >= streams;
}

bool script_settle(struct script *script, unsigned int streams)
{
	uint64_t deadline = sched_now_us(script->sched) + SETTLE_US;

	sched_mutex_lock(&script->lock);
	while (!is_settled(script, streams) && sched_now_us(script->sched) < deadline) {
		sched_cond_wait(&script->changed, &script->lock, deadline);
	}
	bool settled = is_settled(script, streams);

	sched_mutex_unlock(&script->lock);
	script_pass(script, 1); /* all that can run now has run */
	return settled;
}

void script_pass(struct script *script, uint64_t us)
{
	uint64_t until = sched_now_us(script->sched) + us;

	LOCKED(&script->lock);
	while (sched_now_us(script->sched) < until) {
		sched_cond_wait(&script->changed, &script->lock, until);
	}
}

const char *script_line(struct script *script, size_t n)
{
	LOCKED(&script->lock);

	return n < script->sent_count && n < SCRIPT_SENT_MAX ? script->sent[n].line : "";
}

size_t script_count(struct script *script, const char *match)
{
	size_t count = 0;

	LOCKED(&script->lock);
	for (size_t i = 0; i < script->sent_count && i < SCRIPT_SENT_MAX; i++) {
		count += strstr(script->sent[i].line, match) != NULL;
	}
	return count;
}
