/* SPDX-License-Identifier: Apache-2.0 */
/* Reports ends of containers from Podman's stream of events, and after each gap that anything may
 * have changed. podman.c starts it as a thread. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"

#define IDLE_MS 600000u
#define LINE_MAX_BYTES (256u << 10) /* of one event: labels and a name */
#define PAUSE_MIN_US 100000u
#define PAUSE_MAX_US 10000000u

struct watch {
	struct podman *podman;
	struct buf line;
	bool heard;
	int64_t since_s; /* wall clock: what came before was seen */
};

static void events_on_line(struct watch *watch, const char *text, size_t length)
{
	CLEANUP_JSON struct json_object *event = json_parse(text, length, NULL);
	const char *uid = asb_str(event, "Actor", "Attributes", LABEL_UID);

	if (uid != NULL) {
		watch->podman->changed(watch->podman->changed_arg, uid);
	}
}

static int events_on_bytes(void *arg, const char *data, size_t length)
{
	struct watch *watch = arg;
	char *end;

	watch->heard = true;
	if (buf_append(&watch->line, data, length) < 0) {
		return -1;
	}
	while (watch->line.length > 0 &&
	       (end = memchr(watch->line.data, '\n', watch->line.length)) != NULL) {
		size_t taken = (size_t)(end - watch->line.data) + 1;

		events_on_line(watch, watch->line.data, taken - 1);
		buf_consume(&watch->line, taken);
	}
	return 0;
}

/* Waits until events are wanted, which is when the services respond. */
static bool events_wait_until_wanted(struct podman *podman)
{
	LOCKED(&podman->lock);
	while (!podman->events_wanted && !podman->stopping) {
		sched_cond_wait(&podman->wake, &podman->lock, SCHED_FOREVER);
	}
	return !podman->stopping;
}

static bool events_wait_before_again(struct podman *podman, uint64_t pause_us)
{
	uint64_t until = sched_now_us(podman->sched) + pause_us;

	LOCKED(&podman->lock);
	while (!podman->stopping && sched_now_us(podman->sched) < until) {
		sched_cond_wait(&podman->wake, &podman->lock, until);
	}
	return !podman->stopping;
}

/* One stream, until it ends. */
static void events_follow(struct watch *watch)
{
	struct podman *podman = watch->podman;
	CLEANUP_FREE char *filter = podman_filter(podman, NULL, "died");
	CLEANUP_FREE char *path =
		xprintf(PODMAN_API "/events%s&since=%lld", filter, (long long)watch->since_s);
	const struct http_request request = { .method = "GET",
					      .path = path,
					      .timeout_ms = PODMAN_CALL_MS };
	struct transport *transport = podman_transport(podman, podman_main(podman));
	struct http_response response;

	buf_clear(&watch->line);
	watch->heard = false;
	transport->ops->stream(transport, &request, IDLE_MS, events_on_bytes, watch, &response);
	watch->heard = watch->heard || response.result == -ETIMEDOUT;
	http_response_finish(&response);
}

void podman_watch(void *arg)
{
	struct podman *podman = arg;
	struct watch watch = { .podman = podman, .line = BUF_INIT(LINE_MAX_BYTES) };
	uint64_t pause = PAUSE_MIN_US;

	watch.since_s = sched_wall_us(podman->sched) / 1000000;
	if (events_wait_until_wanted(podman)) {
		do {
			events_follow(&watch);
			/* Events of one second may come twice, but none is missed. */
			watch.since_s = sched_wall_us(podman->sched) / 1000000 - 1;
			pause = watch.heard ? PAUSE_MIN_US : pause * 2;
			pause = pause < PAUSE_MAX_US ? pause : PAUSE_MAX_US;
			/* Events in between were missed: all pods are checked. */
			podman->changed(podman->changed_arg, NULL);
		} while (events_wait_before_again(podman, pause));
	}
	buf_finish(&watch.line);
}
