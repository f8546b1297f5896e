/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks the signals that end a program and makes a descriptor of them. Called by the programs'
 * mains. */
#include "config.h"

#include "core/observe/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

int signals_open(struct error *reterr)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return error_set(reterr, -errno, "cannot block signals: %s", strerror(errno));
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd >= 0 ? fd
		       : error_set(reterr, -errno, "cannot make a signalfd: %s", strerror(errno));
}
