/* SPDX-License-Identifier: Apache-2.0 */
/* Starts one child process with its descriptors, and limits the size of its log. Called by
 * local/supervise.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/child.h"
#include "base/memory.h"
#include "local/child-process.h"

#define LOCK_FD 3

/* Runs in the new process, where only async-signal-safe functions may be called. Does not
 * return. */
static void child_run(const struct command *command, pid_t parent, int null, int log, int lock)
{
	child_begin(parent);
	/* Duplicates with high numbers, so that no dup2 below closes a descriptor that is needed
	 * later. */
	null = fcntl(null, F_DUPFD, 10);
	log = fcntl(log, F_DUPFD, 10);
	lock = lock >= 0 ? fcntl(lock, F_DUPFD, 10) : null;
	if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || dup2(lock, LOCK_FD) < 0) {
		_exit(127);
	}
	(void)syscall(SYS_close_range, LOCK_FD + 1u, ~0u, 0u);
	execv(command->argv[0], command->argv);
	_exit(127);
}

pid_t child_spawn(const struct command *command, const char *log, int lock_fd, int *ret_pidfd,
		  struct error *reterr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code = out < 0 ? -errno : 0;
	pid_t parent = getpid(), pid = -1;

	if (access(command->argv[0], X_OK) < 0) {
		code = error_set(reterr, -errno, "cannot run '%s': %s", command->argv[0],
				 strerror(errno));
	} else if (null < 0 || out < 0) {
		code = error_set(reterr, code != 0 ? code : -EIO, "cannot open '%s': %s", log,
				 strerror(-code));
	} else if ((pid = fork()) == 0) {
		child_run(command, parent, null, out, lock_fd);
	} else if (pid < 0) {
		code = error_set(reterr, -errno, "cannot start '%s': %s", command->argv[0],
				 strerror(errno));
	}
	if (null >= 0) {
		close(null);
	}
	if (out >= 0) {
		close(out);
	}
	if (pid < 0) {
		return code;
	}
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static bool child_copy(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t sent = sendfile(to, from, NULL, (size_t)size);

		if (sent <= 0) {
			return false;
		}
		size -= sent;
	}
	return true;
}

void child_log_cut(const char *log, size_t most)
{
	struct stat info;

	if (stat(log, &info) < 0 || (uint64_t)info.st_size <= most) {
		return;
	}

	CLEANUP_FREE char *old = xprintf("%s.1", log);
	int from = open(log, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int to = open(old, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* The log is emptied even when it could not be copied, for example because the disk is
	 * full. */
	if (from >= 0 && to >= 0) {
		(void)child_copy(from, to, info.st_size);
	}
	if (from >= 0) {
		(void)!ftruncate(from, 0);
		close(from);
	}
	if (to >= 0) {
		close(to);
	}
}
