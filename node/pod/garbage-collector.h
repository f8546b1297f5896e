/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what the runtime has with what is known, at start, every minute, and whenever the
 * runtime says that it has lost sight: each pod found is looked at by its own reconcile, which
 * takes it over or ends it. Directories that belong to nobody are removed, and those of claims that
 * are gone. On a thread of its own.
 */
#ifndef ASB_NODE_POD_GARBAGE_COLLECTOR_H
#define ASB_NODE_POD_GARBAGE_COLLECTOR_H

#define GARBAGE_COLLECT_US 60000000u

struct node;
struct garbage_collector;
struct garbage_collector *garbage_collector_create(struct node *node);
/* Soon. Any thread. */
void garbage_collector_wake(struct garbage_collector *collector);
void garbage_collector_destroy(struct garbage_collector *collector);

#endif
