/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The informers of a process: one store and one reflector for each kind that some controller
 * watches, shared by all. A change in a store is mapped to keys of each controller that watches the
 * kind (core/controller/controller does the mapping).
 */
#ifndef ASB_CORE_CONTROLLER_INFORMER_H
#define ASB_CORE_CONTROLLER_INFORMER_H

#include "base/buf.h"
#include "core/cache/reflector.h"
#include "core/cache/reservations.h"
#include "core/client/client.h"
#include "core/controller/controller.h"

struct informers_config {
	struct sched *sched;
	struct client *client;
	struct reservations *reservations;
	const char *pod_label_selector; /* narrows the watch of pods, or NULL */
	/* Some kind's state has changed; on a watch thread. */
	void (*changed)(void *arg);
	void *arg;
};

struct informers;
/* Makes stores for what the controllers watch, binds the controllers to them. controllers outlive
 * the informers' threads. */
struct informers *informers_create(const struct informers_config *config,
				   struct controller *const *controllers, size_t count);
void informers_start(struct informers *informers);
/* After the transport was stopped. */
void informers_stop(struct informers *informers);
void informers_destroy(struct informers *informers);
/* See reflector_resync, for all kinds. */
int informers_resync(struct informers *informers, struct error *reterr);
/* Whether every kind is listed or known to be absent. */
bool informers_settled(struct informers *informers);
/* Appends a line for each kind that is not synced. */
void informers_report(struct informers *informers, struct buf *out);
/* The store of a kind, or NULL: for metrics and tests. */
struct store *informers_store(struct informers *informers, const struct asb_kind *kind);

#endif
