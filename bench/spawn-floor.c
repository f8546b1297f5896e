/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn of /bin/true and the wait for it, again and again: what a server that runs commands adds
 * to. Prints the median in microseconds; run by runtime.py. */
#include "config.h"

#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS 1000

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

int main(void)
{
	char program[] = "/bin/true";
	char *argv[] = { program, NULL };
	uint64_t times[RUNS];

	for (size_t i = 0; i < RUNS; i++) {
		uint64_t begin = now_ns();
		pid_t pid;

		if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0 ||
		    waitpid(pid, NULL, 0) != pid) {
			fprintf(stderr, "spawn-floor: cannot run %s\n", program);
			return 1;
		}
		times[i] = now_ns() - begin;
	}
	qsort(times, RUNS, sizeof(times[0]), compare);
	printf("%.1f\n", (double)times[RUNS / 2] / 1000);
	return 0;
}
