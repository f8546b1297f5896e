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
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/users.h"

#define STACK_SIZE 65536u
#define NICER 5          /* the server answers before the guest's processes run */
#define OOM_SCORE "1000" /* the guest's processes are ended before the server */

struct spawner {
	char *stack;
	const struct spawn_plan *plan;
	enum spawn_step step;
	int error;
};

struct spawner *spawner_create(void)
{
	struct spawner *spawner = xnew(struct spawner);

	spawner->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (spawner->stack == MAP_FAILED) {
		free(spawner);
		return NULL;
	}
	return spawner;
}

void spawner_destroy(struct spawner *spawner)
{
	if (spawner != NULL) {
		munmap(spawner->stack, STACK_SIZE);
		free(spawner);
	}
}

/* ---- in the child: system calls alone; what sanitizers add to memory accesses would confuse them,
 * since they know nothing of a second process in their memory ---- */

#define IN_CHILD __attribute__((__no_sanitize__("address", "thread", "undefined")))

IN_CHILD static int move_descriptors(const struct spawn_plan *plan)
{
	if (dup2(plan->in, 0) < 0 || dup2(plan->out, 1) < 0 || dup2(plan->err, 2) < 0) {
		return -errno;
	}
	/* All ours are closed by exec anyway; this is for those of others in our process. */
	(void)syscall(SYS_close_range, 3U, ~0U, (unsigned int)CLOSE_RANGE_CLOEXEC);
	return 0;
}

IN_CHILD static void set_signals(void)
{
	sigset_t none;

	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What helps the server and its machine; where the kernel forbids it, the command runs without. */
IN_CHILD static void set_manners(const struct spawn_plan *plan)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
		(void)close(fd);
	}
	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER);
	(void)setrlimit(RLIMIT_NOFILE, &plan->files);
	if (plan->mark != 0) {
		struct rlimit mark = { .rlim_cur = plan->mark, .rlim_max = plan->mark };

		(void)setrlimit(RLIMIT_RTTIME, &mark);
	}
}

/* By the kernel's calls: those of the C library change all threads, and ours are not the child's. */
IN_CHILD static int become(const struct user *user)
{
	if (user == NULL) {
		return 0;
	}
	if ((geteuid() == 0 && syscall(SYS_setgroups, user->group_count, user->groups) < 0) ||
	    syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0) {
		return -errno;
	}
	return 0;
}

/* The first error that is not "not there" counts, as in Python. */
IN_CHILD static int run(const struct spawn_plan *plan)
{
	int first = 0, last = ENOENT;

	for (size_t i = 0; plan->paths[i] != NULL; i++) {
		(void)execve(plan->paths[i], plan->argv, plan->envp);
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

	spawner->error = setsid() < 0 ? -errno : move_descriptors(plan);
	if (spawner->error == 0) {
		set_manners(plan);
		spawner->step = SPAWN_USER;
		spawner->error = become(plan->user);
	}
	if (spawner->error == 0) {
		spawner->step = SPAWN_FOLDER;
		if (fchdir(plan->folder) < 0 || (plan->cwd != NULL && chdir(plan->cwd) < 0)) {
			spawner->error = -errno;
		}
	}
	if (spawner->error == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		set_signals();
		spawner->step = SPAWN_RUN;
		spawner->error = run(plan);
	}
	_exit(127);
}

/* ---- in the parent ---- */

int spawner_run(struct spawner *spawner, const struct spawn_plan *plan, pid_t *ret_pid,
		enum spawn_step *ret_step)
{
	spawner->plan = plan;
	spawner->step = SPAWN_FORK;
	spawner->error = 0;

	pid_t pid = clone(child, spawner->stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD,
			  spawner);

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
