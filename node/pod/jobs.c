/* SPDX-License-Identifier: Apache-2.0 */
/* Threads by name, joined when the next one starts. Called by node/pod/images.c and node/pod/stop.c. */
#include "config.h"

#include "node/pod/jobs.h"

#include "base/map.h"
#include "base/memory.h"

struct task {
	struct tasks *tasks;
	char *name;
	void (*run)(void *arg);
	void (*release)(void *arg);
	void *arg;
	struct sched_thread *thread;
	struct task *next; /* among the ended */
};

struct tasks {
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond ended_one;
	struct map running; /* lock: by name */
	size_t alive;       /* lock: threads that have not come to their end */
	struct task *ended; /* lock: to be joined */
};

static void free_task(struct task *task)
{
	free(task->name);
	free(task);
}

/* Joins what has ended: none of these waits for long. */
static void reap(struct tasks *tasks)
{
	struct task *ended;

	sched_mutex_lock(&tasks->lock);
	ended = TAKE(tasks->ended);
	sched_mutex_unlock(&tasks->lock);
	while (ended != NULL) {
		struct task *next = ended->next;

		sched_join(ended->thread);
		free_task(ended);
		ended = next;
	}
}

static void run_task(void *arg)
{
	struct task *task = arg;
	struct tasks *tasks = task->tasks;

	task->run(task->arg);
	{
		LOCKED(&tasks->lock);
		map_remove(&tasks->running, task->name);
	}
	/* Only now: who is woken by release must see that it does not run any more. */
	task->release(task->arg);
	LOCKED(&tasks->lock);
	task->next = tasks->ended;
	tasks->ended = task;
	tasks->alive--;
	sched_cond_broadcast(&tasks->ended_one);
}

struct tasks *tasks_create(struct sched *sched)
{
	struct tasks *tasks = xnew(struct tasks);

	tasks->sched = sched;
	sched_mutex_init(&tasks->lock, sched);
	sched_cond_init(&tasks->ended_one, sched);
	return tasks;
}

bool tasks_start(struct tasks *tasks, const char *name, void (*run)(void *arg),
		 void (*release)(void *arg), void *arg)
{
	struct task *task = xnew(struct task);

	reap(tasks);
	*task = (struct task){
		.tasks = tasks, .name = xstrdup(name), .run = run, .release = release, .arg = arg
	};
	LOCKED(&tasks->lock);
	if (tasks->alive >= TASKS_MAX || map_get(&tasks->running, name) != NULL) {
		free_task(task);
		return false;
	}
	map_put(&tasks->running, task->name, task);
	tasks->alive++;
	/* The lock is held until the handle is stored: the thread cannot end before. */
	task->thread = sched_start(tasks->sched, "task", run_task, task);
	return true;
}

bool tasks_running(struct tasks *tasks, const char *name)
{
	LOCKED(&tasks->lock);

	return map_get(&tasks->running, name) != NULL;
}

bool tasks_wait(struct tasks *tasks, uint64_t deadline_us)
{
	LOCKED(&tasks->lock);

	while (tasks->alive > 0) {
		if (sched_cond_wait(&tasks->ended_one, &tasks->lock, deadline_us) != 0) {
			return false;
		}
	}
	return true;
}

void tasks_destroy(struct tasks *tasks)
{
	if (tasks == NULL) {
		return;
	}
	tasks_wait(tasks, SCHED_FOREVER);
	reap(tasks);
	map_finish(&tasks->running);
	sched_cond_finish(&tasks->ended_one);
	sched_mutex_finish(&tasks->lock);
	free(tasks);
}
