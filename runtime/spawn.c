/* SPDX-License-Identifier: Apache-2.0 */
/* A child on a stack of its own in our memory, until it runs a program or says why not. Called by
 * supervise.c, in its thread. */
#include "config.h"

#include "runtime/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/users.h"

#define STACK_SIZE 65536u
#define NICER 5          /* the server answers before the guest's processes run */
#define OOM_SCORE "1000" /* the guest's processes are ended before the server */

/* ThreadSanitizer loses count of a thread whose memory another process ran in. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define SHARED_MEMORY 0
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define SHARED_MEMORY 0
#endif
#ifndef SHARED_MEMORY
#define SHARED_MEMORY CLONE_VM
#endif

/* At the low end of the stack's mapping, which both have, whatever else they share. */
struct spawner {
	const struct spawn_plan *plan;
	enum spawn_step step;
	int error;
	bool has_terminal;
};

/* Whether this process has a controlling terminal, which its children would get at. */
static bool has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

struct spawner *spawner_create(void)
{
	struct spawner *spawner = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (spawner == MAP_FAILED) {
		return NULL;
	}
	spawner->has_terminal = has_terminal();
	return spawner;
}

void spawner_destroy(struct spawner *spawner)
{
	if (spawner != NULL) {
		munmap(spawner, STACK_SIZE);
	}
}

/* ---- in the child: the kernel's calls alone, by number. The C library's would work on state of the
 * thread we were cloned from (setuid changes all its threads), and sanitizers know nothing of a second
 * process in their memory. ---- */

#define IN_CHILD __attribute__((__no_sanitize__("address", "thread", "undefined")))
#define KERNEL_SIGSET_SIZE 8

IN_CHILD static int move_descriptors(const struct spawn_plan *plan)
{
	if (syscall(SYS_dup3, plan->in, 0, 0) < 0 || syscall(SYS_dup3, plan->out, 1, 0) < 0 ||
	    syscall(SYS_dup3, plan->err, 2, 0) < 0) {
		return -errno;
	}
	/* All ours are closed by exec anyway; this is for those of others in our process. */
	(void)syscall(SYS_close_range, 3U, ~0U, (unsigned int)CLOSE_RANGE_CLOEXEC);
	return 0;
}

/* What helps the server and its machine; where the kernel forbids it, the command runs without. */
IN_CHILD static void set_manners(const struct spawn_plan *plan)
{
	struct rlimit mark = { .rlim_cur = plan->mark, .rlim_max = plan->mark };
	long fd =
		syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);

	if (fd >= 0) {
		(void)syscall(SYS_write, fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
		(void)syscall(SYS_close, fd);
	}
	/* The kernel answers 20 - nice. */
	(void)syscall(SYS_setpriority, PRIO_PROCESS, 0,
		      20 - syscall(SYS_getpriority, PRIO_PROCESS, 0) + NICER);
	(void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &plan->files, NULL);
	if (plan->mark != 0) {
		(void)syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, &mark, NULL);
	}
}

IN_CHILD static int become(const struct user *user)
{
	if (user == NULL) {
		return 0;
	}
	if ((syscall(SYS_geteuid) == 0 &&
	     syscall(SYS_setgroups, user->group_count, user->groups) < 0) ||
	    syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0) {
		return -errno;
	}
	return 0;
}

/* The first error that is not "not there" counts, as in Python. */
IN_CHILD static int run(const struct spawn_plan *plan)
{
	const uint64_t no_signals = 0;
	int first = 0, last = ENOENT;

	(void)syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* The server blocks all and handles none, so that there is nothing else to undo. */
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, KERNEL_SIGSET_SIZE);
	for (size_t i = 0; plan->paths[i] != NULL; i++) {
		(void)syscall(SYS_execve, plan->paths[i], plan->argv, plan->envp);
		last = errno;
		if (last != ENOENT && last != ENOTDIR && first == 0) {
			first = last;
		}
	}
	return -(first != 0 ? first : last);
}

IN_CHILD static int child(void *arg)
{
	struct spawner *spawner = arg;
	const struct spawn_plan *plan = spawner->plan;

	/* A session costs the scheduler a group of its own for each command where autogroups are on. */
	spawner->error =
		(spawner->has_terminal ? syscall(SYS_setsid) : syscall(SYS_setpgid, 0, 0)) < 0
			? -errno
			: move_descriptors(plan);
	if (spawner->error == 0) {
		set_manners(plan);
		spawner->step = SPAWN_USER;
		spawner->error = become(plan->user);
	}
	if (spawner->error == 0) {
		spawner->step = SPAWN_FOLDER;
		if (syscall(SYS_fchdir, plan->folder) < 0 ||
		    (plan->cwd != NULL && syscall(SYS_chdir, plan->cwd) < 0)) {
			spawner->error = -errno;
		}
	}
	if (spawner->error == 0) {
		spawner->step = SPAWN_RUN;
		spawner->error = run(plan);
	}
	(void)syscall(SYS_exit_group, 127);
	return 127;
}

/* ---- in the parent ---- */

int spawner_run(struct spawner *spawner, const struct spawn_plan *plan, pid_t *ret_pid,
		enum spawn_step *ret_step)
{
	spawner->plan = plan;
	spawner->step = SPAWN_FORK;
	spawner->error = 0;

	pid_t pid = clone(child, (char *)spawner + STACK_SIZE,
			  SHARED_MEMORY | CLONE_VFORK | SIGCHLD, spawner);

	if (pid < 0) {
		*ret_step = SPAWN_FORK;
		return -errno;
	}
	if (spawner->error != 0) {
		siginfo_t info;

		(void)waitid(P_PID, (id_t)pid, &info, WEXITED);
		*ret_step = spawner->step;
		return spawner->error;
	}
	*ret_pid = pid;
	return 0;
}
