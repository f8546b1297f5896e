/* SPDX-License-Identifier: Apache-2.0 */
/* agent-sandbox-local: parses the flags and runs a command. `serve`, which runs the API alone, is
 * in this file; the other commands are in local/up*.c. */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/observe/log.h"
#include "core/observe/signals.h"
#include "core/observe/memory-trim.h"
#include "local/options.h"
#include "local/serving.h"
#include "local/up.h"

#define TRIM_FIRST_MS 2000
#define TRIM_MS 30000

/* Returns when a signal has come. Meanwhile memory that the start or thousands of ended watches
 * have freed is returned to the system. */
static void local_wait_for_end(int signals)
{
	struct pollfd wait = { .fd = signals, .events = POLLIN };
	int pause_ms = TRIM_FIRST_MS, ready;

	do {
		ready = poll(&wait, 1, pause_ms);
		if (ready == 0) {
			memory_trim();
			pause_ms = TRIM_MS;
		}
	} while (ready == 0 || (ready < 0 && errno == EINTR));
}

static int local_serve(const struct local_options *options, int signals, struct error *reterr)
{
	struct serving serving = { 0 };
	int code = serving_init(options, &serving, reterr);

	if (code == 0) {
		code = serving_start(&serving, options, (uint16_t)options->port, reterr);
	}
	if (code == 0) {
		printf("%s\n", serving.kubeconfig);
		fflush(stdout);
		local_wait_for_end(signals);
	}
	serving_finish(&serving);
	return code;
}

static int local_run(const struct local_options *options, int signals, struct error *reterr)
{
	if (strcmp(options->command, "up") == 0) {
		return up_run(options, signals, reterr);
	}
	if (strcmp(options->command, "down") == 0) {
		return down_run(options, signals, reterr);
	}
	if (strcmp(options->command, "status") == 0) {
		return status_run(options, reterr);
	}
	return local_serve(options, signals, reterr);
}

int main(int argc, char **argv)
{
	struct local_options options;
	struct error error = { 0 };

	/* Threads that serve requests take turns; an arena for each would only hold free memory. */
	mallopt(M_ARENA_MAX, 2);
	/* JSON trees are freed between large blocks, and each large block would merge the fast
	 * bins. */
	mallopt(M_MXFAST, 0);
	if (local_options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "agent-sandbox-local: %s\n", error.text);
		return 2;
	}
	if (options.help) {
		local_options_help(stdout);
		return 0;
	}
	if (options.version) {
		puts("agent-sandbox-local " PACKAGE_VERSION);
		return 0;
	}

	if (log_set_up(options.log_format != NULL ? options.log_format : "text",
		       options.log_level != NULL ? options.log_level : "info", &error) < 0) {
		fprintf(stderr, "agent-sandbox-local: %s\n", error.text);
		return 2;
	}

	int signals = signals_open(&error);
	int code = signals < 0 ? signals : local_run(&options, signals, &error);

	if (code < 0) {
		log_error("%s", error.text);
		return 1;
	}
	close(signals);
	return code;
}
