/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of what other threads want to be done in the server's thread. Called by all threads to
 * add to it, and by server.c to run it. */
#include "config.h"

#include <unistd.h>

#include "runtime/http/server-private.h"

void tasks_wake(struct server *server)
{
	uint64_t one = 1;

	(void)!write(server->wake, &one, sizeof(one));
}

void server_post(struct server *server, struct server_task *task)
{
	LOCKED(&server->lock);
	if (task->queued) {
		return;
	}
	task->queued = true;
	task->next = NULL;
	*server->tasks_end = task;
	server->tasks_end = &task->next;
	tasks_wake(server);
}

static struct server_task *tasks_next(struct server *server)
{
	LOCKED(&server->lock);

	struct server_task *task = server->tasks;

	if (task != NULL) {
		server->tasks = task->next;
		server->tasks_end = server->tasks != NULL ? server->tasks_end : &server->tasks;
		task->queued = false;
	}
	return task;
}

void tasks_run(struct server *server)
{
	struct server_task *task;

	while ((task = tasks_next(server)) != NULL) {
		task->fn(task);
	}
}
