/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loaded plugin at work: its instance, its queue, its workers, and where its watches and
 * indexes are found. What the plugin sees of it is the table of core/controller/host.c.
 */
#ifndef ASB_CORE_CONTROLLER_CONTROLLER_H
#define ASB_CORE_CONTROLLER_CONTROLLER_H

#include "core/cache/reservations.h"
#include "core/cache/store.h"
#include "core/client/client.h"
#include "core/client/events.h"
#include "core/controller/plugin.h"
#include "core/controller/queue.h"
#include "core/observe/metrics.h"
#include "core/observe/trace.h"

#define KEY_STATE_MAX 4096u /* bytes a plugin may keep for one key */

struct controller_config {
	struct sched *sched;
	const struct plugin *plugin; /* borrowed */
	struct client *client;
	struct events *events;
	struct metrics *metrics;
	struct reservations *reservations;
	struct tracer *tracer; /* or NULL */
	uint32_t workers;
	/* One per option of the plugin, borrowed; NULL: all fallbacks. */
	const char *const *option_values;
	void *state; /* of a built-in plugin without init */
};

struct controller;
struct reflector;

/* Calls the plugin's init. NULL and *reterr when that refuses. */
struct controller *controller_create(const struct controller_config *config, struct error *reterr);
void controller_destroy(struct controller *controller);

/* --- binding, by core/controller/informer --- */
const struct plugin *controller_plugin(const struct controller *controller);
/* The objects of a watch are in this store; the reflector knows whether it is complete. */
void controller_bind_watch(struct controller *controller, uint32_t watch, struct store *store,
			   struct reflector *reflector, bool metadata_only);
void controller_bind_index(struct controller *controller, uint32_t index, uint32_t store_index);
/* Enqueues the keys that a change of a watched kind maps to. */
void controller_enqueue_change(struct controller *controller, uint32_t watch,
			       struct store_change *change);
/* The same for an object that the cache selector does not match: only ASB_ENQUEUE_SELF can apply.
 */
void controller_enqueue_filtered(struct controller *controller, uint32_t watch, const char *ns,
				 const char *name);

/* Queues a key. Any thread. */
void controller_enqueue(struct controller *controller, const char *ns, const char *name);

/* --- running --- */
/* NULL when all its kinds are listed (an optional one may be absent); else one that is still being
 * listed, or one that is absent. */
const struct asb_kind *controller_waits_for(struct controller *controller, bool *ret_absent);
/* Starts the workers; once. */
void controller_start(struct controller *controller);
bool controller_started(struct controller *controller);
/* No key is handed out from now on. Any thread. */
void controller_shut(struct controller *controller);
/* Joins the workers. */
void controller_join(struct controller *controller);
bool controller_idle(struct controller *controller);
/* Since when the longest running reconcile runs, or 0. */
uint64_t controller_busy_since_us(struct controller *controller);

#endif
