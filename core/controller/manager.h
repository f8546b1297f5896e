/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything between a transport and a set of plugins: client, informers, controllers, leader,
 * events. The controller process has one, the simulation several. Nothing in it knows about flags,
 * files or signals.
 *
 * Watches start at once, so that the stores of a standby are warm. The workers of a plugin start
 * when this process leads and every kind that the plugin watches is listed; a plugin whose kinds
 * the API server does not serve yet waits for their CRDs. A new leader whose stores may lag behind
 * the old leader's writes does a full resync first.
 */
#ifndef ASB_CORE_CONTROLLER_MANAGER_H
#define ASB_CORE_CONTROLLER_MANAGER_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/client/leader.h"
#include "core/controller/plugin.h"
#include "core/observe/metrics.h"
#include "core/observe/trace.h"
#include "net/transport.h"

#define MANAGER_PLUGINS_MAX 64

struct manager_plugin {
	const struct plugin *plugin; /* borrowed */
	const char *const *option_values;
	uint32_t workers; /* 0: what the plugin wishes */
	bool optional;    /* the process is ready without it: somebody else's */
	void *state;      /* what reconcile gets, of a built-in plugin without init */
};

struct manager_config {
	struct sched *sched;
	struct transport *transport; /* borrowed; stopped by manager_stop */
	struct metrics *metrics;     /* borrowed, or NULL */
	struct tracer *tracer;       /* borrowed, or NULL */
	struct manager_plugin plugins[MANAGER_PLUGINS_MAX];
	size_t plugin_count;
	uint32_t requests;  /* in flight at most; 0: workers + 4, at most 64 */
	double rate, burst; /* requests a second, and at once above that; 0: no limit */
	const char *pod_label_selector;
	const char *component; /* of its Events; NULL: agent-sandbox-controller */
	/* Leader election; lease_names[0] NULL: none, we lead. See core/client/leader.h. */
	const char *lease_ns, *identity;
	const char *lease_names[LEADER_LEASES_MAX];
	/* A lease was lost: the process should end. Any thread. */
	void (*on_lost)(void *arg);
	void *arg;
};

struct manager;
/* NULL and *reterr when a plugin refuses. The config's strings are borrowed. */
struct manager *manager_create(const struct manager_config *config, struct error *reterr);
void manager_start(struct manager *manager);
/* Orderly: no new key, running reconciles end, the lease is released, then all threads. abrupt:
 * nothing more is sent, the lease stays to expire: what a crash leaves behind. */
void manager_stop(struct manager *manager, bool abrupt);
void manager_destroy(struct manager *manager);

bool manager_leads(struct manager *manager);
/* Ready: the kinds of every plugin that is not optional are listed, or not served (then it
 * waits for the CRD). Appends what is missing. */
bool manager_ready(struct manager *manager, struct buf *out);
/* Since when the longest running reconcile runs; 0: none. */
uint64_t manager_busy_since_us(struct manager *manager);
/* All workers started that can be, and nothing queued or running but what is delayed. */
bool manager_idle(struct manager *manager);
struct informers *manager_informers(struct manager *manager);
/* Calls reconcile of plugins[plugin] for this key soon: for what is seen outside the API. Any
 * thread, from manager_create to manager_destroy. */
void manager_enqueue(struct manager *manager, size_t plugin, const char *ns, const char *name);
/* For requests that no plugin verb makes; after manager_stop it sends nothing. */
struct client *manager_client(struct manager *manager);

#endif
