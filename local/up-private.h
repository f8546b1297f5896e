/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `up` share. Private to local/up*.c; all of it belongs to the main thread. */
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
#define END_PODS_US 90000000u /* for all containers to be ended and removed */

struct up {
	const struct local_options *options;
	struct serving serving;
	struct instance instance;
	struct supervisor *supervisor;
	int signals;
	uint64_t started_us;

	char *programs; /* the directory this program is in */
	char *haproxy;  /* NULL: there is none */
	bool router;    /* it is to run */
	uint16_t controller_health, router_port, router_health;

	/* What was told last. */
	unsigned int changes;
	bool ready; /* once all of it was */
	uint64_t mirror_us;
};

/* ---- up-processes.c: what runs, with which arguments ---- */

/* Finds the programs. -ENOENT: one is missing. */
int children_find(struct up *up, struct error *reterr);
void children_start(struct up *up);
/* The command that ends and removes all containers of this state, of a runtime (--pods). */
void children_end_pods_command(const char *programs, const char *state_dir, const char *pods,
			       struct command *ret);
/* The directory this program is in, the caller's; NULL where the kernel does not tell. */
char *children_programs(void);

/* ---- up-ready.c: waiting for the first time that all is ready ---- */

/* 0: ready. 1: a signal came first. A negative code: it will not be. */
int ready_wait(struct up *up, struct error *reterr);
/* Whether the router answers. */
bool ready_router(const struct up *up);
/* Before the node starts: what an earlier run left as Ready is not, until the node says so. */
void ready_forget(struct up *up);

/* ---- up-status.c: up.json ---- */

void tell_record(struct up *up);

#endif
