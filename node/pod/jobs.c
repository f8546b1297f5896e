/* SPDX-License-Identifier: Apache-2.0 */
/* Threads by name, joined when the next one starts. Called by node/pod/images.c and
 * node/pod/stop.c. */
#include "config.h"

#include "node/pod/jobs.h"

#include "base/map.h"
#include "base/memory.h"

struct job {
	struct jobs *jobs;
	char *name;
	void (*run)(void *arg);
	void (*release)(void *arg);
	void *arg;
	struct sched_thread *thread;
	struct job *next; /* among the ended */
};

struct jobs {
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond ended_one;
	struct map running; /* lock: by name */
	size_t alive;       /* lock: threads that have not come to their end */
	struct job *ended;  /* lock: to be joined */
};

static void jobs_free(struct job *job)
{
	free(job->name);
	free(job);
}

/* Joins the threads of ended jobs, which does not wait for long. */
static void jobs_join_ended(struct jobs *jobs)
{
	struct job *ended;

	sched_mutex_lock(&jobs->lock);
	ended = TAKE(jobs->ended);
	sched_mutex_unlock(&jobs->lock);
	while (ended != NULL) {
		struct job *next = ended->next;

		sched_join(ended->thread);
		jobs_free(ended);
		ended = next;
	}
}

static void jobs_run(void *arg)
{
	struct job *job = arg;
	struct jobs *jobs = job->jobs;

	job->run(job->arg);
	{
		LOCKED(&jobs->lock);
		map_remove(&jobs->running, job->name);
	}
	/* After the removal: a pod that release enqueues must see that the job has ended. */
	job->release(job->arg);
	LOCKED(&jobs->lock);
	job->next = jobs->ended;
	jobs->ended = job;
	jobs->alive--;
	sched_cond_broadcast(&jobs->ended_one);
}

struct jobs *jobs_create(struct sched *sched)
{
	struct jobs *jobs = xnew(struct jobs);

	jobs->sched = sched;
	sched_mutex_init(&jobs->lock, sched);
	sched_cond_init(&jobs->ended_one, sched);
	return jobs;
}

bool jobs_start(struct jobs *jobs, const char *name, void (*run)(void *arg),
		void (*release)(void *arg), void *arg)
{
	struct job *job = xnew(struct job);

	jobs_join_ended(jobs);
	*job = (struct job){
		.jobs = jobs, .name = xstrdup(name), .run = run, .release = release, .arg = arg
	};
	LOCKED(&jobs->lock);
	if (jobs->alive >= JOBS_MAX || map_get(&jobs->running, name) != NULL) {
		jobs_free(job);
		return false;
	}
	map_put(&jobs->running, job->name, job);
	jobs->alive++;
	/* The lock is held until the handle is stored: the thread cannot end before. */
	job->thread = sched_start(jobs->sched, "job", jobs_run, job);
	return true;
}

bool jobs_running(struct jobs *jobs, const char *name)
{
	LOCKED(&jobs->lock);

	return map_get(&jobs->running, name) != NULL;
}

bool jobs_wait(struct jobs *jobs, uint64_t deadline_us)
{
	LOCKED(&jobs->lock);

	while (jobs->alive > 0) {
		if (sched_cond_wait(&jobs->ended_one, &jobs->lock, deadline_us) != 0) {
			return false;
		}
	}
	return true;
}

void jobs_destroy(struct jobs *jobs)
{
	if (jobs == NULL) {
		return;
	}
	jobs_wait(jobs, SCHED_FOREVER);
	jobs_join_ended(jobs);
	map_finish(&jobs->running);
	sched_cond_finish(&jobs->ended_one);
	sched_mutex_finish(&jobs->lock);
	free(jobs);
}
