/* SPDX-License-Identifier: Apache-2.0 */
/* base/child: what a child is after fork. */
#include "config.h"

#include "base/child.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In the child: 0 when all is as promised, else what is not. */
static int look_at_itself(void)
{
	struct sigaction action;
	sigset_t blocked;
	int signo = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGTERM, NULL, &action);
	prctl(PR_GET_PDEATHSIG, &signo);
	return getpgrp() != getpid()            ? 1
	       : sigismember(&blocked, SIGUSR1) ? 2
	       : action.sa_handler != SIG_DFL   ? 3
	       : signo != SIGTERM               ? 4
						: 0;
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_is_its_own_process(void **state)
{
	pid_t parent = getpid(), pid;
	sigset_t usr1;

	(void)state;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	(void)signal(SIGTERM, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		child_begin(parent);
		_exit(look_at_itself());
	}
	assert_int_equal(status_of(pid), 0);
	(void)signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static void an_orphan_does_not_begin(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		child_begin(getpid()); /* its parent is another one */
		_exit(0);
	}
	assert_int_equal(status_of(pid), 127);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_is_its_own_process),
		cmocka_unit_test(an_orphan_does_not_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
