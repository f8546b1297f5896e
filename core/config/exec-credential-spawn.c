/* SPDX-License-Identifier: Apache-2.0 */
/* A child process whose output is wanted: started without a shell, bounded in time and output, gone
 * with all its children when it is given up. For exec-credential.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/config/exec-credential.h"

/* Milliseconds for poll until a deadline; 0 when it has passed. */
static int exec_left_ms(struct sched *sched, uint64_t deadline_us)
{
	uint64_t now = sched_now_us(sched);

	return deadline_us <= now                ? 0
	       : deadline_us - now > 3600000000u ? 3600000
						 : (int)((deadline_us - now + 999) / 1000);
}

/* Waits until fd is readable. */
static int exec_wait_for(struct sched *sched, int fd, int stop_fd, uint64_t deadline_us,
			 struct error *reterr)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = stop_fd, .events = POLLIN } };

	for (;;) {
		int timeout = exec_left_ms(sched, deadline_us);
		int code = poll(fds, 2, timeout);

		if (code < 0 && errno != EINTR) {
			return error_set(reterr, -errno, "cannot wait for its end: %s",
					 strerror(errno));
		}
		if (code > 0 && fds[1].revents != 0) {
			return error_set(reterr, -ECANCELED, "stopped while it ran");
		}
		if (code > 0) {
			return 0;
		}
		if (timeout == 0) {
			return error_set(reterr, -ETIMEDOUT, "it did not end in time");
		}
	}
}

/* Reads until the child and its children have closed their end of the pipe. */
static int exec_read_output(struct sched *sched, int fd, int stop_fd, uint64_t deadline_us,
			    struct buf *out, struct error *reterr)
{
	char data[4096];
	ssize_t got;

	do {
		int code = exec_wait_for(sched, fd, stop_fd, deadline_us, reterr);

		if (code < 0) {
			return code;
		}
		got = read(fd, data, sizeof(data));
		if (got < 0 && errno != EINTR && errno != EAGAIN) {
			return error_set(reterr, -errno, "cannot read its output: %s",
					 strerror(errno));
		}
		if (got > 0 && buf_append(out, data, (size_t)got) < 0) {
			return error_set(reterr, -EFBIG, "it printed more than %zu bytes",
					 out->ceiling);
		}
	} while (got != 0);
	explicit_bzero(data, sizeof(data));
	return 0;
}

/* It may close its output long before it ends. Kernels older than 5.3 cannot say when that is:
 * there waitpid waits, for as long as it takes. */
static int exec_wait_end(struct sched *sched, pid_t pid, int stop_fd, uint64_t deadline_us,
			 struct error *reterr)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0) {
		return 0;
	}

	int code = exec_wait_for(sched, fd, stop_fd, deadline_us, reterr);

	close(fd);
	return code;
}

static int exec_reap(pid_t pid, struct error *reterr)
{
	int status = 0;
	pid_t r;

	do {
		r = waitpid(pid, &status, 0);
	} while (r < 0 && errno == EINTR);

	if (r < 0) {
		return error_set(reterr, -errno, "cannot read its exit status: %s",
				 strerror(errno));
	}
	if (WIFSIGNALED(status)) {
		return error_set(reterr, -EIO, "it was killed by signal %d", WTERMSIG(status));
	}
	return WEXITSTATUS(status) == 0
		       ? 0
		       : error_set(reterr, -EIO, "it ended with status %d", WEXITSTATUS(status));
}

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
/* Libraries open descriptors without CLOEXEC; a plugin shall have none of them. */
static int exec_close_others(posix_spawn_file_actions_t *actions)
{
	return posix_spawn_file_actions_addclosefrom_np(actions, 3);
}
#else
static int exec_close_others(posix_spawn_file_actions_t *actions)
{
	(void)actions;
	return 0;
}
#endif

static int exec_set_files(posix_spawn_file_actions_t *actions, int output)
{
	int code =
		posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (code == 0) {
		code = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	}
	return code == 0 ? exec_close_others(actions) : code;
}

/* Our threads block signals and we ignore SIGPIPE; a child wants neither. In a group of its own it
 * is killed whole. */
static int exec_set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int code;

	sigemptyset(&none);
	sigfillset(&all);
	code = posix_spawnattr_setsigmask(attributes, &none);
	if (code == 0) {
		code = posix_spawnattr_setsigdefault(attributes, &all);
	}
	if (code == 0) {
		code = posix_spawnattr_setpgroup(attributes, 0);
	}
	return code != 0 ? code
			 : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
									POSIX_SPAWN_SETSIGDEF |
									POSIX_SPAWN_SETPGROUP);
}

static int exec_start(char *const *argv, char *const *env, int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code = posix_spawn_file_actions_init(&actions);

	if (code != 0) {
		return code;
	}
	code = posix_spawnattr_init(&attributes);
	if (code == 0) {
		code = exec_set_files(&actions, output);
		if (code == 0) {
			code = exec_set_attributes(&attributes);
		}
		if (code == 0) {
			code = posix_spawnp(ret, argv[0], &actions, &attributes, argv, env);
		}
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

int exec_credential_spawn(struct sched *sched, char *const *argv, char *const *env, int stop_fd,
			  uint64_t deadline_us, struct buf *out, struct error *reterr)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_set(reterr, -errno, "cannot make a pipe: %s", strerror(errno));
	}

	int code = exec_start(argv, env, ends[1], &pid);

	close(ends[1]);
	if (code != 0) {
		close(ends[0]);
		return error_set(reterr, -code, "cannot start it: %s", strerror(code));
	}
	code = exec_read_output(sched, ends[0], stop_fd, deadline_us, out, reterr);
	close(ends[0]);
	if (code == 0) {
		code = exec_wait_end(sched, pid, stop_fd, deadline_us, reterr);
	}
	if (code < 0) {
		kill(-pid, SIGKILL);
		(void)exec_reap(pid, NULL);
		return code;
	}
	return exec_reap(pid, reterr);
}
