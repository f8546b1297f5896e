/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and ends all parts of a controller process. Called by the programs and by the simulation.
 */
#include "config.h"

#include "core/controller/manager.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/client/leader.h"
#include "core/controller/controller.h"
#include "core/controller/informer.h"
#include "core/observe/log.h"

#define REQUESTS_MAX 64u
#define RESYNC_TRIES 5u
#define RESYNC_PAUSE_US 1000000u /* after the first try, longer after each */

struct manager {
	struct manager_config config;
	struct client *client;
	struct events *events;
	struct reservations *reservations;
	struct informers *informers;
	struct controller *controllers[MANAGER_PLUGINS_MAX];
	size_t controller_count;
	struct metric *waiting_for_crd;

	struct sched_mutex lock;
	struct sched_cond ending;           /* stopping */
	struct leader *leader;              /* lock; NULL: no election */
	struct sched_thread *resync_thread; /* lock */
	bool leads;                         /* lock */
	bool given_up;                      /* lock */
	bool stopping;                      /* lock */
};

static bool manager_is_leader(void *arg)
{
	struct manager *manager = arg;
	struct leader *leader;

	sched_mutex_lock(&manager->lock);
	leader = manager->leader;
	sched_mutex_unlock(&manager->lock);
	return leader == NULL || leader_holds_lease(leader);
}

/* Starts a plugin's workers if this process leads and all kinds of the plugin are listed. True when
 * they were started. */
static bool manager_start_if_due(struct manager *manager, struct controller *controller)
{
	const char *name = controller_plugin(controller)->head.name;
	bool absent = false, waits;

	LOCKED(&manager->lock);
	waits = controller_waits_for(controller, &absent) != NULL;
	metric_record(manager->waiting_for_crd, waits && absent ? 1 : 0, &name);
	if (waits || !manager->leads || manager->stopping || controller_started(controller)) {
		return false;
	}
	controller_start(controller);
	return true;
}

static void manager_advance(struct manager *manager)
{
	for (size_t i = 0; i < manager->controller_count; i++) {
		struct controller *controller = manager->controllers[i];

		if (manager_start_if_due(manager, controller)) {
			log_info("plugin '%s' started", controller_plugin(controller)->head.name);
		}
	}
}

static void manager_on_informer(void *arg)
{
	manager_advance(arg);
}

static void manager_lead(struct manager *manager)
{
	sched_mutex_lock(&manager->lock);
	manager->leads = true;
	sched_mutex_unlock(&manager->lock);
	manager_advance(manager);
}

/* Stops all writes and asks the owner of this process to end it. */
static void manager_give_up(struct manager *manager)
{
	bool again;

	sched_mutex_lock(&manager->lock);
	again = manager->given_up;
	manager->given_up = true;
	sched_mutex_unlock(&manager->lock);
	client_stop(manager->client);
	if (!again && manager->config.on_lost != NULL) {
		manager->config.on_lost(manager->config.arg);
	}
}

/* Waits for so long. False when this manager ends first. */
static bool manager_wait_for(struct manager *manager, uint64_t delay_us)
{
	uint64_t until = sched_now_us(manager->config.sched) + delay_us;

	LOCKED(&manager->lock);
	while (!manager->stopping && sched_now_us(manager->config.sched) < until) {
		sched_cond_wait(&manager->ending, &manager->lock, until);
	}
	return !manager->stopping;
}

/* Lists all kinds again before this process leads, so that it knows the last writes of the old
 * leader. It runs on a thread of its own, because the lease has to be renewed meanwhile. */
static void manager_resync(void *arg)
{
	struct manager *manager = arg;
	struct error error = { 0 };

	for (unsigned int try = 1; try <= RESYNC_TRIES; try++) {
		if (informers_resync(manager->informers, &error) == 0) {
			manager_lead(manager);
			return;
		}
		log_warning(
			"cannot list again after the change of leader, so the last writes of the old leader may be unknown, trying again: %s",
			error.text);
		if (!manager_wait_for(manager, try * RESYNC_PAUSE_US)) {
			return;
		}
	}
	manager_give_up(manager);
}

static void manager_on_started(void *arg, bool others)
{
	struct manager *manager = arg;

	if (!others) {
		manager_lead(manager);
		return;
	}
	LOCKED(&manager->lock);
	manager->resync_thread =
		sched_start(manager->config.sched, "resync", manager_resync, manager);
}

static void manager_on_lost(void *arg)
{
	log_error("the lease is lost: this process stops writing and ends");
	manager_give_up(arg);
}

static uint32_t manager_worker_count(const struct manager_plugin *plugin)
{
	uint32_t wished = plugin->workers > 0 ? plugin->workers : plugin->plugin->head.workers;

	return wished > 0 ? wished : 1;
}

static uint32_t manager_request_count(const struct manager_config *config)
{
	uint32_t count = 4;

	for (size_t i = 0; i < config->plugin_count; i++) {
		count += manager_worker_count(&config->plugins[i]);
	}
	if (config->requests > 0) {
		return config->requests;
	}
	return count < REQUESTS_MAX ? count : REQUESTS_MAX;
}

static bool manager_make_controllers(struct manager *manager, struct error *reterr)
{
	for (size_t i = 0; i < manager->config.plugin_count; i++) {
		const struct manager_plugin *plugin = &manager->config.plugins[i];
		struct controller_config config = {
			.sched = manager->config.sched,
			.plugin = plugin->plugin,
			.client = manager->client,
			.events = manager->events,
			.metrics = manager->config.metrics,
			.reservations = manager->reservations,
			.tracer = manager->config.tracer,
			.workers = manager_worker_count(plugin),
			.option_values = plugin->option_values,
			.state = plugin->state,
		};
		struct controller *controller = controller_create(&config, reterr);

		if (controller == NULL) {
			return false;
		}
		manager->controllers[manager->controller_count++] = controller;
	}
	return true;
}

struct manager *manager_create(const struct manager_config *config, struct error *reterr)
{
	struct manager *manager = xnew(struct manager);
	struct client_config client = {
		.sched = config->sched,
		.transport = config->transport,
		.metrics = config->metrics,
		.slots = manager_request_count(config),
		.rate = config->rate,
		.burst = config->burst,
		.is_leader = manager_is_leader,
		.is_leader_arg = manager,
	};

	manager->config = *config;
	sched_mutex_init(&manager->lock, config->sched);
	sched_cond_init(&manager->ending, config->sched);
	manager->client = client_create(&client);
	manager->events = events_create(config->sched, manager->client, config->metrics,
					config->component != NULL ? config->component
								  : "agent-sandbox-controller");
	manager->reservations = reservations_create(config->sched);
	if (config->metrics != NULL) {
		manager->waiting_for_crd = metrics_family(
			config->metrics, "agent_sandbox_plugin_waiting_for_crd",
			"1 while a plugin waits for a kind that the API server does not serve.",
			METRIC_GAUGE, "plugin", NULL);
	}
	if (!manager_make_controllers(manager, reterr)) {
		manager_destroy(manager);
		return NULL;
	}
	struct informers_config informers = {
		.sched = config->sched,
		.client = manager->client,
		.reservations = manager->reservations,
		.pod_label_selector = config->pod_label_selector,
		.changed = manager_on_informer,
		.arg = manager,
	};

	manager->informers =
		informers_create(&informers, manager->controllers, manager->controller_count);
	return manager;
}

void manager_start(struct manager *manager)
{
	const struct manager_config *config = &manager->config;
	struct leader_config leader = {
		.sched = config->sched,
		.client = manager->client,
		.metrics = config->metrics,
		.ns = config->lease_ns,
		.identity = config->identity,
		.on_started = manager_on_started,
		.on_lost = manager_on_lost,
		.arg = manager,
	};

	informers_start(manager->informers);
	memcpy(leader.names, config->lease_names, sizeof(leader.names));
	if (config->lease_names[0] == NULL) {
		manager_lead(manager);
		return;
	}
	LOCKED(&manager->lock);
	manager->leader = leader_create(&leader);
}

static struct leader *manager_begin_stop(struct manager *manager)
{
	LOCKED(&manager->lock);

	manager->stopping = true;
	sched_cond_broadcast(&manager->ending);
	return manager->leader;
}

void manager_stop(struct manager *manager, bool abrupt)
{
	struct leader *leader = manager_begin_stop(manager);

	for (size_t i = 0; i < manager->controller_count; i++) {
		controller_shut(manager->controllers[i]);
	}
	if (abrupt) {
		client_stop(manager->client);
	}
	for (size_t i = 0; i < manager->controller_count; i++) {
		controller_join(manager->controllers[i]);
	}
	events_stop(manager->events);
	if (leader != NULL) {
		leader_stop(leader, !abrupt);
	}
	client_stop(manager->client);
	manager->config.transport->ops->stop(manager->config.transport);
	informers_stop(manager->informers);
	leader_destroy(leader);
	manager->leader = NULL;
	if (manager->resync_thread != NULL) {
		sched_join(manager->resync_thread);
	}
}

void manager_destroy(struct manager *manager)
{
	if (manager == NULL) {
		return;
	}
	for (size_t i = 0; i < manager->controller_count; i++) {
		controller_destroy(manager->controllers[i]);
	}
	informers_destroy(manager->informers);
	events_destroy(manager->events);
	reservations_destroy(manager->reservations);
	client_destroy(manager->client);
	sched_cond_finish(&manager->ending);
	sched_mutex_finish(&manager->lock);
	free(manager);
}

bool manager_leads(struct manager *manager)
{
	LOCKED(&manager->lock);

	return manager->leads && !manager->stopping;
}

bool manager_ready(struct manager *manager, struct buf *out)
{
	bool ready = true;

	for (size_t i = 0; i < manager->controller_count; i++) {
		bool absent = false;
		const struct asb_kind *kind =
			controller_waits_for(manager->controllers[i], &absent);

		if (kind != NULL && absent) {
			buf_printf(
				out,
				"plugin %s is waiting for the CRD of %s.%s: the API server does not serve that kind\n",
				controller_plugin(manager->controllers[i])->head.name, kind->plural,
				kind->group);
		}
		ready = ready && (kind == NULL || absent || manager->config.plugins[i].optional);
	}
	informers_report(manager->informers, out);
	return ready;
}

uint64_t manager_busy_since_us(struct manager *manager)
{
	uint64_t since = 0;

	for (size_t i = 0; i < manager->controller_count; i++) {
		uint64_t busy = controller_busy_since_us(manager->controllers[i]);

		since = busy != 0 && (since == 0 || busy < since) ? busy : since;
	}
	return since;
}

bool manager_idle(struct manager *manager)
{
	for (size_t i = 0; i < manager->controller_count; i++) {
		struct controller *controller = manager->controllers[i];
		bool absent = false,
		     waiting = controller_waits_for(controller, &absent) != NULL && absent;

		if (controller_started(controller) ? !controller_idle(controller) : !waiting) {
			return false;
		}
	}
	return informers_settled(manager->informers);
}

struct informers *manager_informers(struct manager *manager)
{
	return manager->informers;
}

struct client *manager_client(struct manager *manager)
{
	return manager->client;
}

void manager_enqueue(struct manager *manager, size_t plugin, const char *ns, const char *name)
{
	controller_enqueue(manager->controllers[plugin], ns, name);
}
