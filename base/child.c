/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a forked child its own process. Called by whoever supervises one. */
#include "config.h"

#include "base/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

void child_begin(pid_t parent)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent) {
		_exit(127);
	}
	for (int signo = 1; signo < NSIG; signo++) {
		(void)sigaction(signo, &action, NULL);
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
}
