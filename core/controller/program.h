/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every program around a manager needs: a scheduler, metrics, the signals that end it, the way
 * to the API server, a tracer, and the endpoints for operators. The controller, the node and the
 * router are built on it.
 *
 * The order is: program_init; program_connect; what the program adds itself (its manager);
 * program_serve; program_wait; program_stop_serving; the end of what the program has added;
 * program_finish. After a failure the last three still follow.
 */
#ifndef ASB_CORE_CONTROLLER_PROGRAM_H
#define ASB_CORE_CONTROLLER_PROGRAM_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sched.h"
#include "core/config/api-connect.h"
#include "core/observe/admin.h"
#include "core/observe/metrics.h"
#include "core/observe/trace.h"

struct program {
	const char *name;
	struct sched *sched;
	struct metrics *metrics;   /* with those of the process */
	struct api_connection api; /* after program_connect */
	struct tracer *tracer;     /* after program_connect; NULL without tracing */
	struct admin *admin;       /* after program_serve */
	int signals;               /* a signalfd, or -1 */
	int stopped;               /* an eventfd, or -1 */
};

/* name is that of the executable, a constant. Before any thread starts: the signals are blocked for
 * all of them. A negative errno and *reterr when that fails. */
int program_init(struct program *program, const char *name, struct error *reterr);
/* kubeconfig: as for api_connect. tracing: makes the tracer too. A negative errno and *reterr. */
int program_connect(struct program *program, const char *kubeconfig, bool tracing,
		    struct error *reterr);
/* Starts /healthz, /readyz and /metrics; config says all but the metrics. The callbacks may run
 * from here on. A negative errno and *reterr. */
int program_serve(struct program *program, const struct admin_config *config, struct error *reterr);
/* Whether the program has to end: waits at most timeout_ms for that, without a limit where it is
 * negative. */
bool program_must_end(const struct program *program, int timeout_ms);
/* Waits for a signal (0) or for program_stop (-ECANCELED), and meanwhile gives free memory back to
 * the kernel. */
int program_wait(const struct program *program);
/* Ends program_wait. Any thread. */
void program_stop(const struct program *program);
/* After this no callback of program_serve runs. */
void program_stop_serving(struct program *program);
void program_finish(struct program *program);

#endif
