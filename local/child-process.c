/* SPDX-License-Identifier: Apache-2.0 */
/* Forks one child with its descriptors, and keeps its log small. Called by local/supervise.c. */
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

/* After fork: only what is safe beside other threads. Does not return. */
static void run_child(const struct command *command, pid_t parent, int null, int log, int lock)
{
	child_begin(parent);
	/* Above those they go to, so that no dup2 closes another's source. */
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
		run_child(command, parent, null, out, lock_fd);
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

static bool copy_all(int from, int to, off_t size)
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

	/* A full disk is the better reason to empty it. */
	if (from >= 0 && to >= 0) {
		(void)copy_all(from, to, info.st_size);
	}
	if (from >= 0) {
		(void)!ftruncate(from, 0);
		close(from);
	}
	if (to >= 0) {
		close(to);
	}
}
