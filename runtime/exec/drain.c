/* SPDX-License-Identifier: Apache-2.0 */
/* A list of pipes, the oldest first, and an epoll that reports which of them can be read.
 * supervise.c and execution.c call it, in the supervisor's thread. */
#include "config.h"

#include "runtime/exec/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"

#define FILES_SHARE 8u /* of RLIMIT_NOFILE */

struct drain {
	TAILQ_ENTRY(drain) link; /* in drains->list */
	int fd;
};

struct drains {
	int epoll;
	TAILQ_HEAD(, drain) list; /* the oldest first */
	size_t count, most;
	uint64_t since; /* when the current DRAIN_PAUSE_US began */
	int left;       /* reads left in it */
};

struct drains *drains_create(void)
{
	struct rlimit files;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0) {
		return NULL;
	}

	struct drains *drains = xnew(struct drains);

	*drains = (struct drains){ .epoll = epoll, .most = DRAINS_MAX, .left = DRAIN_READS };
	TAILQ_INIT(&drains->list);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / FILES_SHARE < DRAINS_MAX) {
		drains->most = files.rlim_cur / FILES_SHARE;
	}
	return drains;
}

static void drain_close(struct drains *drains, struct drain *drain)
{
	TAILQ_REMOVE(&drains->list, drain, link);
	drains->count--;
	/* Closing is not enough: a child that has not closed its copies yet keeps the pipe in
	 * epoll. */
	(void)epoll_ctl(drains->epoll, EPOLL_CTL_DEL, drain->fd, NULL);
	close(drain->fd);
	free(drain);
}

void drains_destroy(struct drains *drains)
{
	if (drains == NULL) {
		return;
	}
	while (!TAILQ_EMPTY(&drains->list)) {
		drain_close(drains, TAILQ_FIRST(&drains->list));
	}
	close(drains->epoll);
	free(drains);
}

void drains_add(struct drains *drains, int take_fd)
{
	struct drain *drain = xnew(struct drain);
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = drain } };

	drain->fd = take_fd;
	TAILQ_INSERT_TAIL(&drains->list, drain, link);
	drains->count++;
	if (epoll_ctl(drains->epoll, EPOLL_CTL_ADD, take_fd, &event) < 0) {
		drain_close(drains, drain); /* the kernel has no room for it */
	}
	while (drains->count > drains->most) {
		drain_close(drains, TAILQ_FIRST(&drains->list));
	}
}

int drains_fd(const struct drains *drains)
{
	return drains->epoll;
}

size_t drains_count(const struct drains *drains)
{
	return drains->count;
}

/* epoll reports drains in turn: one that was reported goes behind the others. */
uint64_t drains_read(struct drains *drains, uint64_t now, char *buffer, size_t size)
{
	struct epoll_event events[DRAIN_READS];

	if (now >= drains->since + DRAIN_PAUSE_US) {
		drains->since = now;
		drains->left = DRAIN_READS;
	}

	int count = drains->left > 0 ? epoll_wait(drains->epoll, events, drains->left, 0) : 0;

	for (int i = 0; i < count; i++) {
		struct drain *drain = events[i].data.ptr;
		ssize_t length = read(drain->fd, buffer, size);

		drains->left--;
		if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
			drain_close(drains, drain);
		}
	}
	return drains->left > 0 ? 0 : drains->since + DRAIN_PAUSE_US;
}
