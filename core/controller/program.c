/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends what all programs around a manager have in common. Called by the controller, the
 * node and the router. */
#include "config.h"

#include "core/controller/program.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/memory.h"
#include "core/observe/log.h"
#include "core/observe/memory-trim.h"
#include "core/observe/signals.h"

#define TRIM_FIRST_MS 2000 /* most programs have started by then */
#define TRIM_MS 15000      /* between two times that free memory goes back to the kernel */

int program_init(struct program *program, const char *name, struct error *reterr)
{
	*program = (struct program){ .name = name, .stopped = -1 };
	program->signals = signals_open(reterr);
	program->sched = sched_create();
	program->metrics = metrics_create(program->sched);
	metrics_add_process(program->metrics);
	if (program->signals < 0) {
		return program->signals;
	}
	program->stopped = eventfd(0, EFD_CLOEXEC);
	return program->stopped >= 0
		       ? 0
		       : error_set(reterr, -errno, "cannot make an eventfd: %s", strerror(errno));
}

int program_connect(struct program *program, const char *kubeconfig, bool tracing,
		    struct error *reterr)
{
	CLEANUP_FREE char *user_agent = xprintf("%s/" PACKAGE_VERSION, program->name);
	int code = api_connect(&program->api, program->sched, kubeconfig, user_agent, reterr);

	if (code < 0 || !tracing) {
		return code;
	}
	program->tracer = tracer_connect(program->sched, program->metrics, program->name, reterr);
	return program->tracer != NULL ? 0 : -EINVAL;
}

int program_serve(struct program *program, const struct admin_config *config, struct error *reterr)
{
	struct admin_config with_metrics = *config;

	with_metrics.metrics = program->metrics;
	program->admin = admin_create(&with_metrics, reterr);
	if (program->admin == NULL) {
		return -EADDRINUSE;
	}
	log_info("health on port %u, metrics on port %u", admin_probe_port(program->admin),
		 admin_metrics_port(program->admin));
	return 0;
}

bool program_must_end(const struct program *program, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = program->signals, .events = POLLIN },
				{ .fd = program->stopped, .events = POLLIN } };

	return poll(fds, ARRAY_LEN(fds), timeout_ms) > 0;
}

int program_wait(const struct program *program)
{
	struct pollfd signals = { .fd = program->signals, .events = POLLIN };
	struct signalfd_siginfo info;
	int pause_ms = TRIM_FIRST_MS;

	while (!program_must_end(program, pause_ms)) {
		memory_trim();
		pause_ms = TRIM_MS;
	}
	if (poll(&signals, 1, 0) <= 0 || read(program->signals, &info, sizeof(info)) <= 0) {
		return -ECANCELED;
	}
	log_info("received signal %u: ending", info.ssi_signo);
	return 0;
}

void program_stop(const struct program *program)
{
	uint64_t one = 1;

	if (write(program->stopped, &one, sizeof(one)) < 0) {
		log_error("cannot wake the main thread: %s, ending at once", strerror(errno));
		_exit(1);
	}
}

void program_stop_serving(struct program *program)
{
	admin_destroy(TAKE(program->admin));
}

static void program_close(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

void program_finish(struct program *program)
{
	tracer_destroy(program->tracer);
	api_disconnect(&program->api);
	metrics_destroy(program->metrics);
	program_close(program->signals);
	program_close(program->stopped);
	sched_destroy(program->sched);
}
