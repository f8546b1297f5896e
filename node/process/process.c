/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime of plain processes as the node sees it: its life, its pods and their addresses, its
 * watcher, its table of operations. Made by node/runtimes.c. */
#include "config.h"

#include "node/process/process.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "core/observe/log.h"
#include "node/process/process-private.h"

#define WARNING                                                                               \
	"plain processes of this machine: NOTHING isolates pods from it or from each other; run only what you would run yourself"
#define WATCHED_MAX 2048
#define WATCH_MS 5000 /* between checks of containers that could not be watched */
/* 127.64.0.1 to 127.127.255.254 */
#define ADDRESS_FIRST 0x7f400000u
#define ADDRESS_COUNT 0x400000u

/* ---- what it is ---- */

static int process_check(struct runtime *runtime UNUSED, struct buf *note,
			 struct error *reterr UNUSED)
{
	buf_append_str(note, WARNING);
	return 0;
}

static int process_check_handler(struct runtime *runtime UNUSED, const char *handler,
				 struct error *reterr)
{
	return error_set(reterr, -EINVAL,
			 "--runtime process has no handler '%.63s': it isolates nothing", handler);
}

static int process_ensure_image(struct runtime *runtime UNUSED, const char *image UNUSED,
				enum runtime_pull policy UNUSED, enum runtime_image *ret,
				struct buf *note UNUSED, struct error *reterr UNUSED)
{
	/* There are no images; the start finds out whether there is a program to run. */
	*ret = RUNTIME_IMAGE_PRESENT;
	return 0;
}

/* ---- pods ---- */

struct search {
	const char *directory, *ip;
};

static int process_has_address(void *arg, const char *name)
{
	const struct search *search = arg;
	CLEANUP_JSON struct json_object *pod =
		name[0] != '.' ? process_load(search->directory, name) : NULL;

	return asb_streq(asb_str(pod, "ip"), search->ip) ? 1 : 0;
}

/* Chooses an address from the hash of the uid, or the next one that no other pod has. */
static int process_choose_address(const char *directory, const char *uid, char ret[64])
{
	uint32_t hash = hash32_text(HASH32_START, uid);

	for (uint32_t i = 0; i < ADDRESS_COUNT; i++) {
		uint32_t address = ADDRESS_FIRST + (hash + i) % ADDRESS_COUNT;
		const struct search search = { directory, ret };

		if ((address & 0xff) == 0 || (address & 0xff) == 0xff) {
			continue;
		}
		snprintf(ret, 64, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
			 address >> 8 & 0xff, address & 0xff);
		if (process_each(directory, process_has_address, (void *)(uintptr_t)&search) == 0) {
			return 0;
		}
	}
	return -EAGAIN;
}

static int process_make_pod(struct process_runtime *process, const struct runtime_pod *pod,
			    const char *directory, const char *name, char ret_ip[64],
			    struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = json_object_new_object();
	int code = process_choose_address(directory, pod->uid, ret_ip);

	json_object_object_add(tree, "uid", json_object_new_string(pod->uid));
	json_object_object_add(tree, "ns", json_object_new_string(pod->ns));
	json_object_object_add(tree, "name", json_object_new_string(pod->name));
	json_object_object_add(tree, "ip", json_object_new_string(ret_ip));
	json_object_object_add(tree, "createdMs",
			       json_object_new_int64(sched_wall_us(process->sched) / 1000));
	if (code == 0) {
		code = process_store(directory, name, tree);
	}
	return code == 0 ? 0
			 : error_set(reterr, -EAGAIN, "cannot remember the pod in '%s': %s",
				     directory, strerror(-code));
}

static int process_start_pod(struct runtime *runtime, const struct runtime_pod *pod,
			     char ret_ip[64], struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	CLEANUP_FREE char *directory = xprintf("%s/pods", process->directory);
	CLEANUP_FREE char *name = xprintf("%s.json", pod->uid);

	if (pod->handler != NULL) {
		return process_check_handler(runtime, pod->handler, reterr);
	}

	LOCKED(&process->lock);
	CLEANUP_JSON struct json_object *there = process_load(directory, name);
	const char *ip = asb_str(there, "ip");

	if (ip != NULL) {
		snprintf(ret_ip, 64, "%s", ip);
		return 0;
	}
	return process_make_pod(process, pod, directory, name, ret_ip, reterr);
}

static int process_remove_pod(struct runtime *runtime, const char *uid, struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	CLEANUP_FREE char *file = xprintf("%s/pods/%s.json", process->directory, uid);
	struct runtime_list list = { 0 };
	int code = process_list(runtime, uid, &list, reterr);

	for (size_t i = 0; i < list.count && code == 0; i++) {
		if (list.items[i].name != NULL) {
			code = process_remove(runtime, list.items[i].id, reterr);
		}
	}
	runtime_list_finish(&list);
	if (code == 0) {
		(void)unlink(file);
	}
	return code;
}

/* ---- the watcher: reports when a container's supervisor has ended ---- */

struct watched {
	struct process_runtime *process;
	struct pollfd fds[WATCHED_MAX];
	size_t count;
};

/* Reports the end of a container once, also if it ended before it could be watched. */
static void process_report_end(struct process_runtime *process, const char *directory,
			       const char *uid)
{
	CLEANUP_FREE char *mark = xprintf("%s/told", directory);
	int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		process->changed(process->arg, uid);
	}
}

static int process_watch_one(void *arg, const char *id)
{
	struct watched *watched = arg;
	CLEANUP_FREE char *directory = process_directory(watched->process, id, NULL);
	CLEANUP_JSON struct json_object *run =
		directory != NULL ? process_load(directory, "run.json") : NULL;
	CLEANUP_JSON struct json_object *info =
		run != NULL ? process_load(directory, "info.json") : NULL;
	const char *uid = asb_str(info, "podUid");
	pid_t pid = process_supervisor(run);

	if (pid < 0 && uid != NULL) {
		process_report_end(watched->process, directory, uid);
	}

	int fd = pid > 0 && uid != NULL ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd < 0) {
		return 0;
	}
	watched->fds[watched->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return watched->count == WATCHED_MAX ? 1 : 0;
}

static bool process_stopping(struct process_runtime *process)
{
	LOCKED(&process->watch_lock);
	return process->stopping;
}

static void process_watch(void *arg)
{
	struct process_runtime *process = arg;
	CLEANUP_FREE char *directory = xprintf("%s/containers", process->directory);
	CLEANUP_FREE struct watched *watched = xnew(struct watched);
	uint64_t number;

	watched->process = process;
	while (!process_stopping(process)) {
		watched->fds[0] = (struct pollfd){ .fd = process->wake, .events = POLLIN };
		watched->count = 1;
		(void)process_each(directory, process_watch_one, watched);
		(void)poll(watched->fds, watched->count, WATCH_MS);
		(void)!read(process->wake, &number, sizeof(number));
		for (size_t i = 1; i < watched->count; i++) {
			close(watched->fds[i].fd);
		}
	}
}

/* ---- life ---- */

static void process_destroy(struct runtime *runtime)
{
	struct process_runtime *process = process_of(runtime);
	uint64_t one = 1;

	{
		LOCKED(&process->watch_lock);
		process->stopping = true;
	}
	(void)!write(process->wake, &one, sizeof(one));
	sched_join(process->watcher);
	close(process->wake);
	sched_mutex_finish(&process->watch_lock);
	sched_mutex_finish(&process->lock);
	free(process->directory);
	free(process->images);
	free(process);
}

static const struct runtime_ops operations = {
	.check = process_check,
	.check_handler = process_check_handler,
	.ensure_image = process_ensure_image,
	.start_pod = process_start_pod,
	.remove_pod = process_remove_pod,
	.start_container = process_start,
	.stop_container = process_stop,
	.remove_container = process_remove,
	.list = process_list,
	.exec = process_exec,
	.logs = process_logs,
	.exec_stream = process_exec_stream,
	.exec_wait = process_exec_wait,
	.exec_resize = process_exec_resize,
	.exec_end = process_exec_end,
	.connect = process_connect,
	.destroy = process_destroy,
};

int process_runtime_create(struct sched *sched, const char *directory, const char *images,
			   runtime_changed changed, void *arg, struct runtime **ret,
			   struct error *reterr)
{
	CLEANUP_FREE char *pods = xprintf("%s/pods", directory);
	CLEANUP_FREE char *containers = xprintf("%s/containers", directory);
	struct process_runtime *process;
	int code = file_make_directory(directory, 0700, reterr);

	if (code < 0 || (code = file_make_directory(pods, 0700, reterr)) < 0 ||
	    (code = file_make_directory(containers, 0700, reterr)) < 0) {
		return code;
	}
	log_warning(WARNING);
	process = xnew(struct process_runtime);
	process->runtime.ops = &operations;
	process->sched = sched;
	process->directory = xstrdup(directory);
	process->images = xstrdup(images);
	process->changed = changed;
	process->arg = arg;
	process->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sched_mutex_init(&process->lock, sched);
	sched_mutex_init(&process->watch_lock, sched);
	process->watcher = sched_start(sched, "processes", process_watch, process);
	*ret = &process->runtime;
	return 0;
}
