/* SPDX-License-Identifier: Apache-2.0 */
/* Ends containers within their grace period and runs their hooks, in background jobs
 * (node/pod/jobs.c) that the reconciles start. The containers of one pod end in parallel.
 * https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/ */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "core/observe/log.h"
#include "node/env/env.h"
#include "node/pod/pod-private.h"

#define GRACE_DEFAULT_S 30
#define GRACE_LEAST_S 2 /* what a kubelet grants when the time is over */
#define GRACE_MOST_S 86400
#define STOP_AGAIN_MS 2000  /* before a stop that failed is tried again */
#define HOOK_MAX_MS 600000u /* a postStart that never ends must not hold a thread for ever */
#define OUTPUT_MAX (10u << 10)
#define ARGUMENTS_MAX 1024

struct container_job {
	struct node *node;
	char *uid, *id, *name;
	char **argv;      /* of the hook; NULL: none */
	int64_t sleep_ms; /* of the hook, instead */
	int64_t grace_s;
	bool post_start;
};

/* ---- in the job ---- */

static void stop_sleep(struct sched *sched, int64_t ms)
{
	sched_sleep_until(sched, sched_now_us(sched) + (uint64_t)ms * 1000);
}

/* 0, or why the hook has failed in *reterr. */
static int stop_run_hook(const struct container_job *job, uint32_t limit_ms, struct error *reterr)
{
	CLEANUP_BUF struct buf output = BUF_INIT(OUTPUT_MAX);
	struct runtime *runtime = job->node->runtime;
	int exit_code = 0, code;

	if (job->argv == NULL) {
		stop_sleep(job->node->sched, job->sleep_ms < limit_ms ? job->sleep_ms : limit_ms);
		return 0;
	}
	code = runtime->ops->exec(runtime, job->id, (const char *const *)job->argv, limit_ms,
				  &output, &exit_code, reterr);
	if (code < 0) {
		return code;
	}
	return exit_code == 0 ? 0
			      : error_set(reterr, -EIO, "command '%s' exited with %d: %.200s",
					  job->argv[0], exit_code, buf_str(&output));
}

static void stop_report(const struct container_job *job, const char *reason,
			const struct error *error)
{
	CLEANUP_FREE char *message = xprintf("container %s: %s", job->name, error->text);

	pod_store_add_event(job->node->pods, job->uid, reason, message);
}

static void stop_end_container(const struct container_job *job, int64_t grace_s)
{
	struct runtime *runtime = job->node->runtime;
	struct error error = { 0 };

	if (runtime->ops->stop_container(runtime, job->id, (uint32_t)grace_s, &error) < 0) {
		stop_report(job, "FailedKillPod", &error);
		stop_sleep(job->node->sched, STOP_AGAIN_MS);
	}
}

static void stop_run(void *arg)
{
	const struct container_job *job = arg;
	uint64_t began = sched_now_us(job->node->sched);
	struct error error = { 0 };
	int64_t left;

	if ((job->argv != NULL || job->sleep_ms > 0) && job->grace_s > 0 &&
	    stop_run_hook(job, (uint32_t)(job->grace_s * 1000), &error) < 0) {
		stop_report(job, "FailedPreStopHook", &error);
	}
	left = job->grace_s - (int64_t)((sched_now_us(job->node->sched) - began) / 1000000);
	if (left < GRACE_LEAST_S) {
		left = job->grace_s < GRACE_LEAST_S ? job->grace_s : GRACE_LEAST_S;
	}
	stop_end_container(job, left);
}

static void stop_run_post_start(void *arg)
{
	const struct container_job *job = arg;
	struct error error = { 0 };

	if (stop_run_hook(job, HOOK_MAX_MS, &error) < 0) {
		stop_report(job, "FailedPostStartHook", &error);
		stop_end_container(job, job->grace_s);
	}
}

static void stop_free_job(struct container_job *job)
{
	strings_finish(job->argv);
	free(job->uid);
	free(job->id);
	free(job->name);
	free(job);
}

static void stop_end_job(void *arg)
{
	struct container_job *job = arg;

	node_enqueue_pod(job->node, job->uid);
	stop_free_job(job);
}

/* ---- starting jobs ---- */

static char *stop_job_name(const char *what, const char *id)
{
	return xprintf("%s %s", what, id);
}

static bool stop_job_runs(struct node *node, const char *what, const char *id)
{
	CLEANUP_FREE char *name = stop_job_name(what, id);

	return jobs_running(node->jobs, name);
}

bool pod_is_stopping(struct node *node, const char *id)
{
	return stop_job_runs(node, "stop", id);
}

bool pod_runs_post_start(struct node *node, const char *id)
{
	return stop_job_runs(node, "postStart", id);
}

/* The strings are copied. */
static struct container_job *stop_new_job(struct node *node, const char *uid, const char *id,
					  const char *name, int64_t grace_s)
{
	struct container_job *job = xnew(struct container_job);

	*job = (struct container_job){ .node = node,
				       .uid = xstrdup(uid),
				       .id = xstrdup(id),
				       .name = xstrdup(name),
				       .grace_s = grace_s < 0              ? 0
						  : grace_s < GRACE_MOST_S ? grace_s
									   : GRACE_MOST_S };
	return job;
}

/* False: too many jobs run, or one of this name. The pod's next reconcile tries a stop again. */
static bool stop_start_job(struct container_job *job, const char *what, void (*run)(void *arg))
{
	CLEANUP_FREE char *name = stop_job_name(what, job->id);

	if (!jobs_start(job->node->jobs, name, run, stop_end_job, job)) {
		stop_free_job(job);
		return false;
	}
	return true;
}

static char **stop_copy_argv(struct json_object *command)
{
	size_t count = asb_length(command);

	if (count == 0 || count > ARGUMENTS_MAX) {
		return NULL;
	}
	char **argv = xnew_array(char *, count + 1);

	for (size_t i = 0; i < count; i++) {
		const char *text = asb_as_str(json_object_array_get_idx(command, i));

		argv[i] = xstrdup(text != NULL ? text : "");
	}
	return argv;
}

/* False: there is no hook, or none of a type that this node runs. */
static bool stop_set_hook(struct pod_call *pc, struct container_job *job, struct json_object *hook,
			  const char *which)
{
	job->argv = stop_copy_argv(asb_at(hook, "exec", "command"));
	job->sleep_ms = asb_int(asb_at(hook, "sleep", "seconds"), 0) * 1000;
	if (job->argv != NULL || job->sleep_ms > 0) {
		return true;
	}
	if (asb_at(hook, "httpGet") != NULL || asb_at(hook, "tcpSocket") != NULL) {
		pod_event(pc, "Warning", "NotSupported",
			  "container %s: this node runs %s hooks of type exec and sleep only",
			  job->name, which);
	}
	return false;
}

/* The seconds that a container has from now on to end. */
static int64_t stop_grace(struct pod_call *pc)
{
	int64_t grace =
		asb_int(asb_at(pc->pod, "spec", "terminationGracePeriodSeconds"), GRACE_DEFAULT_S);
	int64_t until, left;

	if (!pc->view.deleting) {
		return grace;
	}
	grace = asb_int(asb_at(pc->pod, "metadata", "deletionGracePeriodSeconds"), grace);
	if (!asb_time_parse(asb_str(pc->pod, "metadata", "deletionTimestamp"), &until)) {
		return grace;
	}
	/* deletionTimestamp is the end of the grace period. Clocks differ, so it never makes it
	 * longer. */
	left = (until - asb_now_ms(pc->call) + 999) / 1000;
	left = left < GRACE_LEAST_S ? GRACE_LEAST_S : left;
	return left < grace ? left : grace;
}

void pod_stop_container(struct pod_call *pc, size_t number, bool unhealthy)
{
	const struct container_view *container = &pc->view.containers[number];
	struct container_job *job = stop_new_job(pc->node, asb_uid(pc->pod), container->now->id,
						 container->name, stop_grace(pc));

	if (unhealthy) {
		pod_event(pc, "Normal", "Killing",
			  "Container %s failed %s probe, will be restarted", container->name,
			  container->started ? "liveness" : "startup");
	} else {
		pod_event(pc, "Normal", "Killing", "Stopping container %s", container->name);
	}
	stop_set_hook(pc, job, asb_at(container->spec, "lifecycle", "preStop"), "preStop");
	stop_start_job(job, "stop", stop_run);
	pod_requeue_after(pc, STOP_AGAIN_MS);
}

bool pod_stop_orphan(struct node *node, const struct runtime_status *status, int64_t grace_s)
{
	if (status->name == NULL || status->phase != RUNTIME_RUNNING) {
		return false;
	}
	if (!pod_is_stopping(node, status->id)) {
		stop_start_job(
			stop_new_job(node, status->pod_uid, status->id, status->name, grace_s),
			"stop", stop_run);
	}
	return true;
}

void pod_run_post_start(struct pod_call *pc, size_t number, const char *id)
{
	const struct container_view *container = &pc->view.containers[number];
	struct json_object *hook = asb_at(container->spec, "lifecycle", "postStart");
	struct container_job *job;

	if (hook == NULL) {
		return;
	}
	job = stop_new_job(pc->node, asb_uid(pc->pod), id, container->name, stop_grace(pc));
	if (!stop_set_hook(pc, job, hook, "postStart")) {
		stop_free_job(job);
	} else if (!stop_start_job(job, "postStart", stop_run_post_start)) {
		pod_event(pc, "Warning", "FailedPostStartHook",
			  "container %s: too many jobs run on this node, so the hook was not run",
			  container->name);
	}
}
