/* SPDX-License-Identifier: Apache-2.0 */
/* Ends every pod the runtime has, a few threads at a time. Called by node/main.c. */
#include "config.h"

#include "node/end-pods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/sched.h"
#include "core/observe/log.h"
#include "node/runtime/runtime.h"
#include "node/runtimes.h"
#include "node/volumes/files.h"

#define THREADS 8u

struct ending {
	struct runtime *runtime;
	struct runtime_list list;
	struct sched_mutex lock;
	size_t next;   /* lock; in the list */
	size_t failed; /* lock */
	bool pods;     /* pods are removed; else containers stopped */
};

static void end_on_changed(void *arg UNUSED, const char *uid UNUSED)
{
}

/* The next entry of the list, or NULL. */
static const struct runtime_status *end_take(struct ending *ending)
{
	LOCKED(&ending->lock);
	return ending->next < ending->list.count ? &ending->list.items[ending->next++] : NULL;
}

/* Whether an earlier entry is of the same pod: removing that pod has removed this one too. */
static bool end_is_repeated(const struct ending *ending, const struct runtime_status *status)
{
	for (const struct runtime_status *at = ending->list.items; at < status; at++) {
		if (strcmp(at->pod_uid, status->pod_uid) == 0) {
			return true;
		}
	}
	return false;
}

static int end_one(struct ending *ending, const struct runtime_status *status, struct error *reterr)
{
	const struct runtime_ops *ops = ending->runtime->ops;

	if (!ending->pods) {
		return status->name != NULL && status->phase == RUNTIME_RUNNING
			       ? ops->stop_container(ending->runtime, status->id, END_PODS_GRACE_S,
						     reterr)
			       : 0;
	}
	return end_is_repeated(ending, status)
		       ? 0
		       : ops->remove_pod(ending->runtime, status->pod_uid, reterr);
}

static void end_work(void *arg)
{
	struct ending *ending = arg;

	for (const struct runtime_status *status; (status = end_take(ending)) != NULL;) {
		struct error error = { 0 };
		int code = end_one(ending, status, &error);

		/* What cannot be stopped is killed with its pod. */
		if (code < 0 && code != -ENOENT && ending->pods) {
			log_error("pod %s: %s", status->pod_uid, error.text);

			LOCKED(&ending->lock);
			ending->failed++;
		}
	}
}

/* All containers are stopped first, in parallel, so that one which uses its grace period delays no
 * pod. */
static void end_run_threads(struct sched *sched, struct ending *ending, bool pods)
{
	struct sched_thread *threads[THREADS];
	size_t count = ending->list.count < THREADS ? ending->list.count : THREADS;

	ending->next = 0;
	ending->pods = pods;
	for (size_t i = 0; i < count; i++) {
		threads[i] = sched_start(sched, "end", end_work, ending);
	}
	for (size_t i = 0; i < count; i++) {
		sched_join(threads[i]);
	}
}

/* No container writes messages any more; without these mounts the state directory can be
 * removed. */
static void end_unmount_messages(const char *state_dir)
{
	CLEANUP_FREE char *path = xprintf("%s/messages", state_dir);
	CLEANUP_FREE char *real = realpath(path, NULL);
	struct error error = { 0 };

	if (real != NULL && unmount_below(real, &error) < 0) {
		log_warning("%s, going on", error.text);
	}
}

static int end_all(struct sched *sched, const struct node_options *options, struct runtime *runtime,
		   struct error *reterr)
{
	struct ending ending = { .runtime = runtime };
	int code = runtime->ops->list(runtime, NULL, &ending.list, reterr);

	if (code < 0) {
		return code;
	}
	sched_mutex_init(&ending.lock, sched);
	end_run_threads(sched, &ending, false);
	end_run_threads(sched, &ending, true);
	sched_mutex_finish(&ending.lock);
	log_info("ended %zu containers and pods", ending.list.count);
	end_unmount_messages(options->state_dir);
	runtime_list_finish(&ending.list);
	return ending.failed == 0
		       ? 0
		       : error_set(reterr, -EIO, "%zu pods could not be removed", ending.failed);
}

int end_pods_run(const struct node_options *options)
{
	if (access(options->state_dir, F_OK) < 0) {
		return 0; /* there was never a node */
	}

	struct sched *sched = sched_create();
	struct error error = { 0 };
	const struct runtime_kind *kind = runtime_kind_find(options->runtime, &error);
	struct runtime *runtime = NULL;
	int code = kind == NULL
			   ? -EINVAL
			   : kind->create(sched, options,
					  options->node_name != NULL ? options->node_name : "node",
					  end_on_changed, NULL, &runtime, &error);
	CLEANUP_BUF struct buf note = BUF_INIT(4096);

	if (code == 0) {
		code = end_all(sched, options, runtime, &error);
	}
	/* A runtime that cannot run containers has none. Its check is slow, so it comes last. */
	if (code < 0 && runtime != NULL && runtime->ops->check(runtime, &note, NULL) < 0) {
		code = 0;
	}
	if (code < 0) {
		log_error("cannot end the pods: %s", error.text);
	}
	if (runtime != NULL) {
		runtime->ops->destroy(runtime);
	}
	sched_destroy(sched);
	return code < 0 ? -1 : 0;
}
