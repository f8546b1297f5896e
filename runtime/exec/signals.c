/* SPDX-License-Identifier: Apache-2.0 */
/* Tells signals from outside of the container from those of a guest. Called by supervise.c. */
#include "config.h"

#include "runtime/exec/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#define FIRST_PROCESS 1

bool signals_count(const struct signalfd_siginfo *info, pid_t self)
{
	if (self != FIRST_PROCESS) {
		return true;
	}
	return info->ssi_pid == 0 && (info->ssi_code == SI_USER || info->ssi_code == SI_TKILL ||
				      info->ssi_code == SI_KERNEL);
}
