/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a child on a stack of its own in the server's memory, until it runs a program or reports
 * why it cannot. execution.c prepares it; the threads of spawner.c run it. */
#include "config.h"

#include "runtime/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/users.h"

#define STACK_SIZE 65536u
#define NICER 5          /* the server answers before the guest's processes run */
#define OOM_SCORE "1000" /* the guest's processes are ended before the server */

/* ThreadSanitizer does not support a second process in the memory of a thread. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define SHARED_MEMORY 0
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define SHARED_MEMORY 0
#endif
#ifndef SHARED_MEMORY
#define SHARED_MEMORY 1
#endif

_Static_assert(sizeof(atomic_int) == sizeof(pid_t), "the kernel writes a pid there");

bool spawn_has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

struct spawn *spawn_create(void)
{
	struct spawn *spawn =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
		     (SHARED_MEMORY ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (spawn == MAP_FAILED) {
		return NULL;
	}
	spawn->in = spawn->out = spawn->err = -1;
	atomic_init(&spawn->references, 1);
	return spawn;
}

static void spawn_close_descriptors(struct spawn *spawn)
{
	const int fds[] = { spawn->keep_in ? -1 : spawn->in, spawn->out, spawn->err };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	spawn->in = spawn->out = spawn->err = -1;
}

void spawn_unref(struct spawn *spawn)
{
	if (spawn != NULL && atomic_fetch_sub(&spawn->references, 1) == 1) {
		spawn_close_descriptors(spawn);
		program_finish(&spawn->program);
		free(spawn->cwd);
		munmap(spawn, STACK_SIZE);
	}
}

/* ---- In the child. It makes system calls by number only: functions of the C library would change
 * the state of the thread that was cloned (setuid changes all threads), and sanitizers do not know
 * of a second process in their memory. ---- */

#define IN_CHILD __attribute__((__no_sanitize__("address", "thread", "undefined")))
#define KERNEL_SIGSET_SIZE 8

IN_CHILD static int spawn_move_descriptors(const struct spawn *spawn)
{
	if (syscall(SYS_dup3, spawn->in, 0, 0) < 0 || syscall(SYS_dup3, spawn->out, 1, 0) < 0 ||
	    syscall(SYS_dup3, spawn->err, 2, 0) < 0) {
		return -errno;
	}
	/* Exec would close them too, but it may come late: a child that is blocked must not keep
	 * connections and the outputs of other commands open. This waits for a file system that
	 * does not answer when the server has a file of it open, as exec would. */
	(void)syscall(SYS_close_range, 3U, ~0U, 0U);
	return 0;
}

/* Sets limits that protect the server. Where the kernel forbids one, the command runs without
 * it. */
IN_CHILD static void spawn_set_limits(const struct spawn *spawn)
{
	struct rlimit tag = { .rlim_cur = spawn->tag, .rlim_max = spawn->tag };
	long fd =
		syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);

	if (fd >= 0) {
		(void)syscall(SYS_write, fd, OOM_SCORE, sizeof(OOM_SCORE) - 1);
		(void)syscall(SYS_close, fd);
	}
	/* The kernel answers 20 - nice. */
	(void)syscall(SYS_setpriority, PRIO_PROCESS, 0,
		      20 - syscall(SYS_getpriority, PRIO_PROCESS, 0) + NICER);
	(void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &spawn->files, NULL);
	if (spawn->tag != 0) {
		(void)syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, &tag, NULL);
	}
}

IN_CHILD static int spawn_become_user(const struct user *user)
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

/* The directory was opened with the server's rights; it is entered with the command's rights. */
IN_CHILD static int spawn_enter_directory(const struct spawn *spawn, long directory)
{
	if (syscall(SYS_fchdir, directory) < 0 ||
	    (spawn->cwd != NULL && syscall(SYS_chdir, spawn->cwd) < 0)) {
		return -errno;
	}
	(void)syscall(SYS_close, directory);
	return 0;
}

/* Tries each path. The first error other than ENOENT and ENOTDIR is reported, as in Python. */
IN_CHILD static int spawn_execute(const struct spawn *spawn)
{
	const struct program *program = &spawn->program;
	const uint64_t no_signals = 0;
	int first = 0, last = ENOENT;

	(void)syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* The server blocks all signals, and neither handles nor ignores any: this is all to
	 * undo. */
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, KERNEL_SIGSET_SIZE);
	for (size_t i = 0; program->paths[i] != NULL; i++) {
		/* A caller that gave up may have looked for this process before it had a number. */
		if (atomic_load(&spawn->cancelled)) {
			return -ECANCELED;
		}
		(void)syscall(SYS_execve, program->paths[i], program->argv, program->envp);
		last = errno;
		if (last != ENOENT && last != ENOTDIR && first == 0) {
			first = last;
		}
	}
	return -(first != 0 ? first : last);
}

IN_CHILD static int spawn_prepare_child(struct spawn *spawn)
{
	/* A session for each command costs time where the scheduler has a group for each
	 * session. */
	if ((spawn->session ? syscall(SYS_setsid) : syscall(SYS_setpgid, 0, 0)) < 0) {
		return -errno;
	}

	int code = spawn_move_descriptors(spawn);
	long directory;

	if (code < 0) {
		return code;
	}
	spawn_set_limits(spawn);
	spawn->step = SPAWN_DIRECTORY;
	directory = syscall(SYS_openat, AT_FDCWD, spawn->directory,
			    O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (directory < 0) {
		return -errno;
	}
	spawn->step = SPAWN_USER;
	code = spawn_become_user(spawn->user);
	if (code == 0) {
		spawn->step = SPAWN_DIRECTORY;
		code = spawn_enter_directory(spawn, directory);
	}
	return code;
}

IN_CHILD static int spawn_child(void *arg)
{
	struct spawn *spawn = arg;
	int code = spawn_prepare_child(spawn);

	if (code == 0) {
		spawn->step = SPAWN_RUN;
		code = spawn_execute(spawn);
	}
	atomic_store(&spawn->code, code);
	(void)syscall(SYS_exit_group, 127);
	return 127;
}

/* ---- in the parent ---- */

#define CLONE_FLAGS (CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD)

#if SHARED_MEMORY
static pid_t spawn_start_child(struct spawn *spawn)
{
	return clone(spawn_child, (char *)spawn + STACK_SIZE, CLONE_VM | CLONE_FLAGS, spawn,
		     (pid_t *)(uintptr_t)&spawn->pid);
}
#else
/* By number: the clone of the sanitizer holds locks until it returns, and a guest decides when. */
IN_CHILD static pid_t spawn_start_child(struct spawn *spawn)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FLAGS, NULL, &spawn->pid, NULL, NULL);

	return pid == 0 ? spawn_child(spawn) : pid;
}
#endif

void spawn_refuse(struct spawn *spawn, int code)
{
	spawn->step = SPAWN_FORK;
	atomic_store(&spawn->code, code);
	atomic_store(&spawn->returned, true);
}

bool spawn_was_refused(const struct spawn *spawn)
{
	return atomic_load(&spawn->returned) && atomic_load(&spawn->pid) == 0;
}

void spawn_run(struct spawn *spawn)
{
	int code = -ECANCELED;

	if (!atomic_load(&spawn->cancelled)) {
		code = spawn_start_child(spawn) < 0 ? -errno : 0;
	}
	/* The server sees the end of the outputs only when all their writers have closed them. */
	spawn_close_descriptors(spawn);
	if (code < 0) {
		spawn_refuse(spawn, code);
		return;
	}
	if (atomic_load(&spawn->code) == 0) {
		program_finish(&spawn->program);
		spawn->program = (struct program){ 0 };
	}
	atomic_store(&spawn->returned, true);
}
