/* SPDX-License-Identifier: Apache-2.0 */
/* Follows a collection and notes the time of each first Ready=True. Called by claim-load.c. */
#include "config.h"

#include "bench/load-watch.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

#define LINE_MAX_BYTES (4u << 20)
#define HEAD_TIMEOUT_MS 30000u
#define IDLE_MS 600000u
#define OPEN_US 60000000u

static void take_event(struct load_watch *watch, const char *text, size_t length)
{
	uint64_t now = sched_now_us(watch->sched);
	CLEANUP_JSON struct json_object *event = json_parse(text, length, NULL);
	struct json_object *object = asb_at(event, "object");
	uint64_t *when;

	LOCKED(&watch->lock);
	if (asb_streq(asb_str(event, "type"), "BOOKMARK")) {
		watch->open = true;
		sched_cond_broadcast(&watch->changed);
		return;
	}
	when = asb_name(object) != NULL ? map_get(&watch->names, asb_name(object)) : NULL;
	if (when != NULL && *when == 0 && asb_condition_is(object, "Ready", "True")) {
		*when = now;
		watch->ready++;
		sched_cond_broadcast(&watch->changed);
	}
}

static int take_bytes(void *arg, const char *data, size_t length)
{
	struct load_watch *watch = arg;
	const char *end;

	while ((end = memchr(data, '\n', length)) != NULL) {
		buf_append(&watch->line, data, (size_t)(end - data));
		take_event(watch, buf_str(&watch->line), watch->line.length);
		buf_clear(&watch->line);
		length -= (size_t)(end - data) + 1;
		data = end + 1;
	}
	return buf_append(&watch->line, data, length);
}

static void run(void *arg)
{
	struct load_watch *watch = arg;
	CLEANUP_FREE char *path = xprintf(
		"%s?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersion=&resourceVersionMatch=NotOlderThan&timeoutSeconds=3600",
		watch->path);
	struct http_request request = { .method = "GET",
					.path = path,
					.timeout_ms = HEAD_TIMEOUT_MS };
	struct http_response response = { 0 };

	watch->transport->ops->stream(watch->transport, &request, IDLE_MS, take_bytes, watch,
				      &response);
	{
		LOCKED(&watch->lock);
		watch->ended = true;
		snprintf(watch->error, sizeof(watch->error), "the watch ended: %d %s %.200s",
			 response.status, response.error, buf_str(&response.body));
		sched_cond_broadcast(&watch->changed);
	}
	http_response_finish(&response);
}

bool load_watch_start(struct load_watch *watch, struct sched *sched, struct transport *transport,
		      const char *path)
{
	uint64_t deadline = sched_now_us(sched) + OPEN_US;

	*watch = (struct load_watch){ .sched = sched,
				      .transport = transport,
				      .path = path,
				      .line = BUF_INIT(LINE_MAX_BYTES) };
	sched_mutex_init(&watch->lock, sched);
	sched_cond_init(&watch->changed, sched);
	watch->thread = sched_start(sched, "watch", run, watch);
	LOCKED(&watch->lock);
	while (!watch->open && !watch->ended && sched_now_us(sched) < deadline) {
		sched_cond_wait(&watch->changed, &watch->lock, deadline);
	}
	return watch->open;
}

void load_watch_expect(struct load_watch *watch, const char *name, uint64_t *ret_us)
{
	LOCKED(&watch->lock);
	*ret_us = 0;
	map_put(&watch->names, name, ret_us);
}

bool load_watch_wait(struct load_watch *watch, size_t count, uint64_t deadline_us)
{
	LOCKED(&watch->lock);
	while (watch->ready < count && !watch->ended && sched_now_us(watch->sched) < deadline_us) {
		sched_cond_wait(&watch->changed, &watch->lock, deadline_us);
	}
	return watch->ready >= count;
}

void load_watch_finish(struct load_watch *watch)
{
	sched_join(watch->thread);
	map_finish(&watch->names);
	buf_finish(&watch->line);
	sched_cond_finish(&watch->changed);
	sched_mutex_finish(&watch->lock);
}
