/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of pods and containers that are plain processes, read from their directories and
 * /proc. Called through node/process/process.c's table, and by its watcher. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/process/process-private.h"

#define LOST_EXIT 137 /* of a container whose supervisor was killed */

struct listing {
	struct process_runtime *process;
	const char *uid; /* NULL: all */
	struct runtime_list *list;
};

static char *list_dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* A new entry, zeroed. */
static struct runtime_status *list_add(struct runtime_list *list)
{
	list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count] = (struct runtime_status){ 0 };
	return &list->items[list->count++];
}

static int list_add_pod(void *arg, const char *name)
{
	struct listing *listing = arg;
	CLEANUP_FREE char *directory = xprintf("%s/pods", listing->process->directory);
	CLEANUP_JSON struct json_object *pod =
		name[0] != '.' ? process_load(directory, name) : NULL;
	const char *uid = asb_str(pod, "uid"), *ip = asb_str(pod, "ip");
	struct runtime_status *status;

	if (uid == NULL || ip == NULL || (listing->uid != NULL && strcmp(listing->uid, uid) != 0)) {
		return 0;
	}
	status = list_add(listing->list);
	status->id = xstrdup(uid);
	status->pod_uid = xstrdup(uid);
	status->pod_ns = list_dup_or_null(asb_str(pod, "ns"));
	status->pod_name = list_dup_or_null(asb_str(pod, "name"));
	status->phase = RUNTIME_RUNNING;
	status->ip = xstrdup(ip);
	status->created_ms = status->started_ms = asb_int(asb_at(pod, "createdMs"), 0);
	return 0;
}

/* Reads the state; a container whose supervisor was killed is ended here, with all its
 * processes. */
static void list_read_phase(struct listing *listing, const char *directory, const char *id,
			    struct runtime_status *status)
{
	CLEANUP_JSON struct json_object *run = process_load(directory, "run.json");
	bool lives = process_supervisor(run) > 0;
	/* Read after that check, because a supervisor writes this file as its last action. */
	CLEANUP_JSON struct json_object *end = process_load(directory, "exit.json");
	CLEANUP_FREE char *mark = xprintf(PROCESS_MARK "%s", id);

	status->started_ms = asb_int(asb_at(run, "startedMs"), 0);
	status->phase = run == NULL ? RUNTIME_CREATED : RUNTIME_RUNNING;
	if (run != NULL && end == NULL && !lives) {
		process_kill_all(mark);
		end = json_object_new_object();
		json_object_object_add(end, "exit", json_object_new_int(LOST_EXIT));
		json_object_object_add(
			end, "finishedMs",
			json_object_new_int64(sched_wall_us(listing->process->sched) / 1000));
		(void)process_store(directory, "exit.json", end);
	}
	if (end != NULL) {
		status->phase = RUNTIME_EXITED;
		status->exit_code = (int)asb_int(asb_at(end, "exit"), LOST_EXIT);
		status->finished_ms = asb_int(asb_at(end, "finishedMs"), 0);
	}
}

static int list_add_container(void *arg, const char *id)
{
	struct listing *listing = arg;
	CLEANUP_FREE char *directory = process_directory(listing->process, id, NULL);
	CLEANUP_JSON struct json_object *info =
		directory != NULL ? process_load(directory, "info.json") : NULL;
	const char *uid = asb_str(info, "podUid"), *name = asb_str(info, "name");
	struct runtime_status *status;

	if (uid == NULL || name == NULL ||
	    (listing->uid != NULL && strcmp(listing->uid, uid) != 0)) {
		return 0;
	}
	status = list_add(listing->list);
	status->id = xstrdup(id);
	status->pod_uid = xstrdup(uid);
	status->pod_ns = list_dup_or_null(asb_str(info, "podNs"));
	status->pod_name = list_dup_or_null(asb_str(info, "podName"));
	status->name = xstrdup(name);
	status->attempt = (uint32_t)asb_int(asb_at(info, "attempt"), 0);
	status->image = list_dup_or_null(asb_str(info, "image"));
	status->image_id = list_dup_or_null(asb_str(info, "image"));
	status->created_ms = asb_int(asb_at(info, "createdMs"), 0);
	list_read_phase(listing, directory, id, status);
	return 0;
}

int process_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		 struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	CLEANUP_FREE char *pods = xprintf("%s/pods", process->directory);
	CLEANUP_FREE char *containers = xprintf("%s/containers", process->directory);
	struct runtime_list list = { 0 };
	struct listing listing = { process, uid, &list };
	int code = process_each(pods, list_add_pod, &listing);

	if (code == 0) {
		code = process_each(containers, list_add_container, &listing);
	}
	if (code < 0) {
		runtime_list_finish(&list);
		return error_set(reterr, -EAGAIN, "cannot read '%s': %s", process->directory,
				 strerror(-code));
	}
	*ret = list;
	return 0;
}
