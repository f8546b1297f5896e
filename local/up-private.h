/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `up` share. Private to local/up*.c. Only the main thread uses it. */
#ifndef ASB_LOCAL_UP_PRIVATE_H
#define ASB_LOCAL_UP_PRIVATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "local/instance.h"
#include "local/options.h"
#include "local/serving.h"
#include "local/supervise.h"
#include "local/up.h"

#define NODE "node"
#define CONTROLLER "controller"
#define ROUTER "router"
#define FIRST_IMAGE "first-image"
#define END_PODS_US 90000000u /* time to end and remove all containers */

struct up {
	const struct local_options *options;
	struct serving serving;
	struct instance instance;
	struct supervisor *supervisor;
	int signals;
	uint64_t started_us;

	char *programs; /* the directory this program is in */
	char *haproxy;  /* NULL: it is not installed */
	bool router;    /* whether the router runs */
	uint16_t controller_health, router_port, router_health;

	unsigned int changes; /* those of the supervisor that the status file contains */
	bool ready;           /* everything has been ready once */
	uint64_t router_service_us;
};

/* ---- up-processes.c: the child processes and their arguments ---- */

/* Finds the programs. -ENOENT and *reterr when one is missing. */
int processes_find(struct up *up, struct error *reterr);
void processes_start(struct up *up);
/* Makes the command that ends and removes all containers of a state directory; pods is the runtime,
 * as in --pods. */
void processes_end_pods_command(const char *programs, const char *state_dir, const char *pods,
				struct command *ret);
/* The directory of this program, which the caller owns; NULL and errno when it cannot be read. */
char *processes_directory(void);

/* ---- up-ready.c: waiting until everything is ready for the first time ---- */

/* 0: everything is ready. 1: a signal came first. A negative code and *reterr: it cannot become
 * ready. */
int ready_wait(struct up *up, struct error *reterr);
/* Whether the router runs and its health probe succeeds. */
bool ready_router(const struct up *up);
/* Marks the Node as Unknown and the pods of an earlier run as not Ready, until the node reports
 * them. Called before the node starts. */
void ready_forget(struct up *up);

/* ---- up-status.c: the status file ---- */

/* Writes the status file, up.json. A failure is logged. */
void status_write(struct up *up);

#endif
