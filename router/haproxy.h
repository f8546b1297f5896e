/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAProxy as a child process: it is started with a new map file, started again when it ends, and
 * ended with the router. The kernel kills it when the router dies: a proxy whose map nobody updates
 * would send requests to the next pod that gets an address.
 */
#ifndef ASB_ROUTER_HAPROXY_H
#define ASB_ROUTER_HAPROXY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sched.h"
#include "router/options.h"
#include "router/table.h"

struct haproxy;
/* Starts a thread that starts HAProxy. options and table are borrowed. */
struct haproxy *haproxy_create(struct sched *sched, const struct options *options,
			       struct table *table);
/* Whether HAProxy runs and accepts commands. */
bool haproxy_is_up(struct haproxy *haproxy);
/* Gives running requests ten seconds to end. NULL is fine. */
void haproxy_destroy(struct haproxy *haproxy);

#endif
