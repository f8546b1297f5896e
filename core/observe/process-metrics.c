/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about this process, under the names that every dashboard knows. Called by
 * core/observe/metrics before each rendering, registered once by the programs. */
#include "config.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/observe/metrics.h"

enum {
	CPU_SECONDS,
	OPEN_FDS,
	MAX_FDS,
	RESIDENT_BYTES,
	VIRTUAL_BYTES,
	START_TIME,
	THREADS,
	PROCESS_MAX,
};

static const struct {
	const char *name, *help;
	enum metric_type type;
} table[PROCESS_MAX] = {
	[CPU_SECONDS] = { "process_cpu_seconds_total",
			  "Total user and system CPU time spent in seconds.", METRIC_COUNTER },
	[OPEN_FDS] = { "process_open_fds", "Number of open file descriptors.", METRIC_GAUGE },
	[MAX_FDS] = { "process_max_fds", "Maximum number of open file descriptors.", METRIC_GAUGE },
	[RESIDENT_BYTES] = { "process_resident_memory_bytes", "Resident memory size in bytes.",
			     METRIC_GAUGE },
	[VIRTUAL_BYTES] = { "process_virtual_memory_bytes", "Virtual memory size in bytes.",
			    METRIC_GAUGE },
	[START_TIME] = { "process_start_time_seconds",
			 "Start time of the process since unix epoch in seconds.", METRIC_GAUGE },
	[THREADS] = { "process_threads", "Number of threads of the process.", METRIC_GAUGE },
};

/* Families are looked up by name at each scrape, so there is no state to keep here. */
static void process_metrics_set(struct metrics *metrics, size_t which, double value)
{
	metric_set(metrics_family(metrics, table[which].name, table[which].help, table[which].type,
				  NULL, NULL),
		   value, NULL);
}

static void process_metrics_update_cpu(struct metrics *metrics)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		process_metrics_set(
			metrics, CPU_SECONDS,
			(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	}
}

static void process_metrics_update_files(struct metrics *metrics)
{
	struct rlimit limit;
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (directory != NULL) {
		for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
			count += entry->d_name[0] != '.' ? 1 : 0;
		}
		closedir(directory);
		process_metrics_set(
			metrics, OPEN_FDS,
			(double)(count > 0 ? count - 1 : 0)); /* not the one just used */
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		process_metrics_set(metrics, MAX_FDS, (double)limit.rlim_cur);
	}
}

/* The number behind a name that begins a line of a file in /proc; false when there is none. */
static bool process_metrics_find_number(const char *path, const char *name, unsigned long long *ret)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool found = false;

	if (file == NULL) {
		return false;
	}
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		found = strncmp(line, name, strlen(name)) == 0 &&
			sscanf(line + strlen(name), "%llu", ret) == 1;
	}
	fclose(file);
	return found;
}

/* The 22nd field of /proc/self/stat counts from boot, in clock ticks; the 2nd may hold spaces and
 * parentheses. */
static void process_metrics_update_start(struct metrics *metrics)
{
	unsigned long long boot, ticks;
	long per_second = sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/self/stat", "re");
	char line[1024] = "";

	if (file == NULL) {
		return;
	}
	if (fgets(line, sizeof(line), file) == NULL) {
		line[0] = '\0';
	}
	fclose(file);

	const char *rest = strrchr(line, ')');

	if (rest != NULL && per_second > 0 &&
	    process_metrics_find_number("/proc/stat", "btime", &boot) &&
	    sscanf(rest,
		   ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &ticks) == 1) {
		process_metrics_set(metrics, START_TIME,
				    (double)boot + (double)ticks / (double)per_second);
	}
}

static void process_metrics_update(void *arg)
{
	struct metrics *metrics = arg;
	unsigned long long number;

	process_metrics_update_cpu(metrics);
	process_metrics_update_files(metrics);
	process_metrics_update_start(metrics);
	if (process_metrics_find_number("/proc/self/status", "VmRSS:", &number)) {
		process_metrics_set(metrics, RESIDENT_BYTES, (double)number * 1024);
	}
	if (process_metrics_find_number("/proc/self/status", "VmSize:", &number)) {
		process_metrics_set(metrics, VIRTUAL_BYTES, (double)number * 1024);
	}
	if (process_metrics_find_number("/proc/self/status", "Threads:", &number)) {
		process_metrics_set(metrics, THREADS, (double)number);
	}
}

void metrics_add_process(struct metrics *metrics)
{
	metrics_on_render(metrics, process_metrics_update, metrics);
}
