/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAProxy as our child: started with a fresh map file, started again when it ends, ended with us.
 * It dies with its parent: a proxy with a map that nobody keeps would send requests to whoever has
 * an address next.
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
/* Whether it runs and takes commands. */
bool haproxy_is_up(struct haproxy *haproxy);
/* Lets running requests end, for at most ten seconds. NULL is fine. */
void haproxy_destroy(struct haproxy *haproxy);

#endif
