/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The garbage collector of pods and directories, on a thread of its own. At the start, every
 * minute, and whenever the runtime may have missed events, it lists what the runtime has and
 * enqueues each pod: the pod's reconcile takes it over or ends it. It removes directories without a
 * pod, and those of claims that are gone.
 */
#ifndef ASB_NODE_POD_GARBAGE_COLLECTOR_H
#define ASB_NODE_POD_GARBAGE_COLLECTOR_H

#define GARBAGE_COLLECT_US 60000000u

struct node;
struct garbage_collector;
struct garbage_collector *garbage_collector_create(struct node *node);
/* Has it run soon. Any thread. */
void garbage_collector_wake(struct garbage_collector *collector);
void garbage_collector_destroy(struct garbage_collector *collector);

#endif
