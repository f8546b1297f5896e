/* SPDX-License-Identifier: Apache-2.0 */
/* The command `down`: ends a running `up`, or what a killed `up` left behind. Called by
 * local/main.c. */
#include "config.h"

#include "local/up-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"

#define DOWN_MS 150000 /* longer than `up` takes to end in any case */

/* Opens a pidfd of the process that holds the lock. The lock is checked again after the pidfd was
 * opened, so the pid cannot belong to another process. -ESRCH: the process has ended. */
static int down_open_holder(const char *state_dir, pid_t pid, struct error *reterr)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno != ESRCH) {
		return error_set(reterr, -errno, "cannot open process %d: %s", (int)pid,
				 strerror(errno));
	}
	if (fd >= 0 && instance_holder(state_dir, NULL) != pid) {
		close(fd);
		fd = -1;
	}
	return fd >= 0 ? fd : -ESRCH;
}

/* Ends the process. 0: it has ended. */
static int down_end_up(const char *state_dir, pid_t pid, int signals, struct error *reterr)
{
	int fd = down_open_holder(state_dir, pid, reterr);
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };

	if (fd < 0) {
		return fd == -ESRCH ? 0 : fd;
	}
	if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0 && errno != ESRCH) {
		int code = error_set(reterr, -errno, "cannot end process %d: %s", (int)pid,
				     strerror(errno));

		close(fd);
		return code;
	}

	int ready = poll(fds, ARRAY_LEN(fds), DOWN_MS);
	bool ended = ready > 0 && fds[0].revents != 0;

	close(fd);
	return ended ? 0
		     : error_set(
			       reterr, -ETIMEDOUT,
			       "process %d has not ended yet: run `agent-sandbox-local status` to see what still runs",
			       (int)pid);
}

/* Ends what a killed `up` left: child processes that are about to end, and containers. */
static int down_end_leftovers(const char *state_dir, struct error *reterr)
{
	CLEANUP_JSON struct json_object *record = instance_read_status(state_dir);
	const char *pods = asb_str(record, "pods");
	struct sched *sched = sched_create();
	struct instance instance = INSTANCE_NONE;
	int code = instance_take(sched, state_dir, &instance, reterr);
	CLEANUP_FREE char *programs = processes_directory();

	if (code == 0 && pods != NULL && programs != NULL) {
		struct supervisor *supervisor =
			supervisor_create(sched, state_dir, instance.children);
		struct command command = { 0 };

		processes_end_pods_command(programs, state_dir, pods, &command);
		code = supervisor_run(supervisor, NODE, &command, END_PODS_US);
		if (code != 0) {
			code = error_set(
				reterr, -EIO,
				"cannot end the pods that were left: see the end of '%s/" NODE
				".log'",
				state_dir);
		}
		command_finish(&command);
		supervisor_destroy(supervisor);
	}
	if (code == 0) {
		instance_remove_status(state_dir);
		puts("the last `up` was killed; what it left is ended");
	}
	instance_release(&instance);
	sched_destroy(sched);
	return code;
}

int down_run(const struct local_options *options, int signals, struct error *reterr)
{
	CLEANUP_FREE char *path = local_options_state_dir(options);
	CLEANUP_FREE char *state_dir = NULL;
	pid_t pid = instance_find(path, &state_dir, reterr);

	if (pid < 0) {
		return pid;
	}
	if (pid > 0) {
		int code = down_end_up(state_dir, pid, signals, reterr);

		if (code == 0) {
			printf("ended; the state stays in '%s'\n", state_dir);
		}
		return code;
	}

	CLEANUP_JSON struct json_object *record =
		state_dir != NULL ? instance_read_status(state_dir) : NULL;

	if (record != NULL) {
		return down_end_leftovers(state_dir, reterr);
	}
	printf("nothing runs with the state in '%s'\n", path != NULL ? path : "");
	return 0;
}
