/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts connections that are too slow, and the oldest when there are too many. Called by
 * net/http-server.c and by the servers of the other rooms. */
#include "config.h"

#include "net/http-guard.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/memory.h"

#define LIMIT_LEAST 16u

TAILQ_HEAD(http_links, http_link);

struct http_guard {
	struct http_guard_config config;
	struct sched_mutex lock;
	struct sched_cond changed;
	struct http_links links[HTTP_PHASE_MAX]; /* lock; of each phase the oldest first */
	size_t count, doomed;                    /* lock */
	bool stopping;                           /* lock */
	struct sched_thread *thread;
};

size_t http_guard_limit(size_t wanted, size_t reserved)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY) {
		return wanted;
	}

	size_t half = files.rlim_cur / 2;
	size_t room = files.rlim_cur - (reserved < half ? reserved : half);

	room = room > LIMIT_LEAST ? room : LIMIT_LEAST;
	return room < wanted ? room : wanted;
}

/* The number of bytes that the kernel has received for a socket; 0 if it does not count them. */
static uint64_t http_guard_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
		return 0;
	}
	return info.tcpi_bytes_received;
}

/* ---- cutting; the lock is held ---- */

static void http_guard_doom(struct http_guard *guard, struct http_link *link)
{
	link->doomed = true;
	guard->doomed++;
	(void)shutdown(link->fd, SHUT_RDWR);
}

static uint64_t http_guard_deadline_us(const struct http_guard *guard, const struct http_link *link)
{
	switch (link->phase) {
	case HTTP_PHASE_HEAD:
		return link->started ? HTTP_GUARD_HEAD_US : guard->config.idle_us;
	case HTTP_PHASE_BODY:
		return guard->config.body_us;
	case HTTP_PHASE_ANSWER:
		return guard->config.response_us;
	default:
		return SCHED_FOREVER;
	}
}

static struct http_link *http_guard_oldest(const struct http_guard *guard, enum http_phase phase)
{
	struct http_link *link;

	TAILQ_FOREACH(link, &guard->links[phase], order)
	{
		if (!link->doomed) {
			break;
		}
	}
	return link;
}

static bool http_guard_evict(struct http_guard *guard)
{
	struct http_link *head = http_guard_oldest(guard, HTTP_PHASE_HEAD);
	struct http_link *body = http_guard_oldest(guard, HTTP_PHASE_BODY);
	struct http_link *link = head;

	if (head == NULL || (body != NULL && body->since_us < head->since_us)) {
		link = body;
	}
	if (link == NULL) {
		link = http_guard_oldest(guard, HTTP_PHASE_ANSWER);
	}
	if (link != NULL) {
		http_guard_doom(guard, link);
	}
	return link != NULL;
}

static void http_guard_sweep(struct http_guard *guard, uint64_t now_us)
{
	for (size_t phase = 0; phase < HTTP_PHASE_MAX; phase++) {
		struct http_link *link;

		TAILQ_FOREACH(link, &guard->links[phase], order)
		{
			if (phase == HTTP_PHASE_HEAD && !link->started &&
			    http_guard_received(link->fd) > link->received) {
				link->started = true;
				link->since_us = now_us;
			}
			if (!link->doomed &&
			    now_us - link->since_us > http_guard_deadline_us(guard, link)) {
				http_guard_doom(guard, link);
			}
		}
	}
}

/* ---- the thread ---- */

/* Waits until it is time to check the connections again. False when the guard stops. */
static bool http_guard_wait_turn(struct http_guard *guard)
{
	struct sched *sched = guard->config.sched;
	uint64_t next = SCHED_FOREVER;

	while (!guard->stopping) {
		if (next == SCHED_FOREVER && guard->count > 0) {
			next = sched_now_us(sched) + HTTP_GUARD_SWEEP_US;
		}
		if (next != SCHED_FOREVER && sched_now_us(sched) >= next) {
			return true;
		}
		(void)sched_cond_wait(&guard->changed, &guard->lock, next);
	}
	return false;
}

static void http_guard_run(void *arg)
{
	struct http_guard *guard = arg;
	bool goes_on = true;

	while (goes_on) {
		{
			LOCKED(&guard->lock);
			goes_on = http_guard_wait_turn(guard);
			if (goes_on) {
				http_guard_sweep(guard, sched_now_us(guard->config.sched));
			}
		}
		if (goes_on && guard->config.on_sweep != NULL) {
			guard->config.on_sweep(guard->config.arg);
		}
	}
}

/* ---- connections ---- */

bool http_guard_accept(struct http_guard *guard)
{
	LOCKED(&guard->lock);
	return !guard->stopping &&
	       (guard->count - guard->doomed < guard->config.limit || http_guard_evict(guard));
}

void http_guard_add(struct http_guard *guard, struct http_link *link, int fd)
{
	*link = (struct http_link){ .phase = HTTP_PHASE_HEAD,
				    .fd = fd,
				    .started = true,
				    .since_us = sched_now_us(guard->config.sched) };

	LOCKED(&guard->lock);
	TAILQ_INSERT_TAIL(&guard->links[link->phase], link, order);
	if (guard->count++ == 0) {
		sched_cond_signal(&guard->changed);
	}
}

void http_guard_remove(struct http_guard *guard, struct http_link *link)
{
	LOCKED(&guard->lock);
	TAILQ_REMOVE(&guard->links[link->phase], link, order);
	guard->count--;
	guard->doomed -= link->doomed ? 1 : 0;
}

void http_guard_enter(struct http_guard *guard, struct http_link *link, enum http_phase phase)
{
	uint64_t bytes = phase == HTTP_PHASE_HEAD ? http_guard_received(link->fd) : 0;

	LOCKED(&guard->lock);
	TAILQ_REMOVE(&guard->links[link->phase], link, order);
	link->phase = phase;
	link->since_us = sched_now_us(guard->config.sched);
	link->started = false;
	link->received = bytes;
	TAILQ_INSERT_TAIL(&guard->links[link->phase], link, order);
}

void http_guard_head(struct http_guard *guard, struct http_link *link)
{
	LOCKED(&guard->lock);
	if (link->phase == HTTP_PHASE_HEAD && !link->started) {
		link->started = true;
		link->since_us = sched_now_us(guard->config.sched);
	}
}

void http_guard_cut(struct http_guard *guard, struct http_link *link)
{
	LOCKED(&guard->lock);
	if (!link->doomed) {
		http_guard_doom(guard, link);
	}
}

/* ---- life ---- */

struct http_guard *http_guard_create(const struct http_guard_config *config)
{
	struct http_guard *guard = xnew(struct http_guard);

	guard->config = *config;
	sched_mutex_init(&guard->lock, config->sched);
	sched_cond_init(&guard->changed, config->sched);
	for (size_t phase = 0; phase < HTTP_PHASE_MAX; phase++) {
		TAILQ_INIT(&guard->links[phase]);
	}
	guard->thread = sched_start(config->sched, "http-guard", http_guard_run, guard);
	return guard;
}

void http_guard_stop(struct http_guard *guard)
{
	if (guard == NULL || guard->thread == NULL) {
		return;
	}
	{
		LOCKED(&guard->lock);
		guard->stopping = true;
		sched_cond_broadcast(&guard->changed);
	}
	sched_join(guard->thread);
	guard->thread = NULL;
}

void http_guard_destroy(struct http_guard *guard)
{
	if (guard == NULL) {
		return;
	}
	http_guard_stop(guard);
	sched_cond_finish(&guard->changed);
	sched_mutex_finish(&guard->lock);
	free(guard);
}
