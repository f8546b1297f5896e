/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn of /bin/true and the wait for it, again and again: what a server that runs commands
 * adds to. Prints the median in microseconds; run by runtime.py. */
#include "config.h"

#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sched.h"

#define RUNS 1000

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
	struct sched *sched = sched_create();

	for (size_t i = 0; i < RUNS; i++) {
		uint64_t begin = sched_now_us(sched);
		pid_t pid;

		if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0 ||
		    waitpid(pid, NULL, 0) != pid) {
			fprintf(stderr, "spawn-floor: cannot run %s\n", program);
			return 1;
		}
		times[i] = sched_now_us(sched) - begin;
	}
	qsort(times, RUNS, sizeof(times[0]), compare);
	sched_destroy(sched);
	printf("%llu\n", (unsigned long long)times[RUNS / 2]);
	return 0;
}
