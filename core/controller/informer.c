/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the stores and reflectors for the watches of all plugins, and passes changes on to the
 * controllers. Owned by core/controller/manager.c. */
#include "config.h"

#include "core/controller/informer.h"

#include <string.h>

#include "base/memory.h"
#include "kube/kind.h"

#define INFORMERS_MAX 64
#define SUBSCRIPTIONS_MAX 64

/* One watch of a controller. */
struct subscription {
	struct controller *controller;
	uint32_t watch;
};

struct informer {
	const struct asb_kind *kind;
	struct store *store;
	struct reflector *reflector;
	bool metadata_only;
	struct subscription subscriptions[SUBSCRIPTIONS_MAX];
	size_t subscription_count;
};

struct informers {
	struct informers_config config;
	struct controller *const *controllers;
	size_t controller_count;
	struct informer items[INFORMERS_MAX];
	size_t count;
};

static const struct asb_watch *informer_watch_of(const struct subscription *subscription)
{
	return &controller_plugin(subscription->controller)->watches[subscription->watch];
}

/* ---- passing on ---- */

static void informer_on_change(void *arg, struct store_change *change)
{
	struct informer *informer = arg;

	for (size_t i = 0; i < informer->subscription_count; i++) {
		controller_enqueue_change(informer->subscriptions[i].controller,
					  informer->subscriptions[i].watch, change);
	}
}

static void informer_on_filtered(void *arg, const char *ns, const char *name)
{
	struct informer *informer = arg;

	for (size_t i = 0; i < informer->subscription_count; i++) {
		controller_enqueue_filtered(informer->subscriptions[i].controller,
					    informer->subscriptions[i].watch, ns, name);
	}
}

/* ---- making ---- */

static struct informer *informer_find(struct informers *informers, const struct asb_kind *kind)
{
	for (size_t i = 0; i < informers->count; i++) {
		if (kind_same(informers->items[i].kind, kind)) {
			return &informers->items[i];
		}
	}
	return NULL;
}

static bool informer_is_reconciled(const struct informers *informers, const struct asb_kind *kind)
{
	for (size_t i = 0; i < informers->controller_count; i++) {
		if (kind_same(&controller_plugin(informers->controllers[i])->watches[0].kind,
			      kind)) {
			return true;
		}
	}
	return false;
}

static void informer_subscribe(struct informers *informers, struct controller *controller,
			       uint32_t number)
{
	const struct asb_watch *watch = &controller_plugin(controller)->watches[number];
	struct informer *informer = informer_find(informers, &watch->kind);

	if ((watch->flags & ASB_WATCH_UNWATCHED) != 0 ||
	    ((watch->flags & ASB_WATCH_OPTIONAL) != 0 &&
	     !informer_is_reconciled(informers, &watch->kind))) {
		return;
	}
	if (informer == NULL) {
		if (informers->count == INFORMERS_MAX) {
			abort(); /* more kinds than any set of plugins has */
		}
		informer = &informers->items[informers->count++];
		informer->kind = &watch->kind;
		informer->metadata_only = true;
		informer->store = store_create(informers->config.sched, &watch->kind);
		store_listen(informer->store, informer_on_change, informer_on_filtered, informer);
	}
	if (informer->subscription_count == SUBSCRIPTIONS_MAX) {
		abort();
	}
	informer->subscriptions[informer->subscription_count++] =
		(struct subscription){ .controller = controller, .watch = number };
}

/* Sets the cache selector: it matches everything, unless all plugins that watch the kind want
 * selected objects only. */
static void informer_informers_set_selector(struct informers *informers, struct informer *informer)
{
	for (size_t i = 0; i < informer->subscription_count; i++) {
		const struct asb_watch *watch = informer_watch_of(&informer->subscriptions[i]);

		if ((watch->flags & ASB_WATCH_SELECTED) == 0) {
			store_select_all(informer->store);
		}
		for (const char *const *label = watch->selector_labels;
		     label != NULL && *label != NULL; label++) {
			store_select_label(informer->store, *label);
		}
	}
	for (size_t i = 0; i < informers->controller_count; i++) {
		store_select_controlled(
			informer->store,
			&controller_plugin(informers->controllers[i])->watches[0].kind);
	}
}

static void informer_add_indexes(struct informers *informers, struct informer *informer,
				 const struct subscription *subscription)
{
	const struct plugin *plugin = controller_plugin(subscription->controller);

	for (uint32_t i = 0; i < plugin->index_count; i++) {
		const struct asb_index *index = &plugin->indexes[i];

		if (index->watch == subscription->watch) {
			uint32_t number =
				store_add_index(informer->store, index->name, index->values);

			controller_bind_index(subscription->controller, i, number);
			if ((index->flags & ASB_INDEX_RESERVES) != 0) {
				reservations_add_index(informers->config.reservations,
						       &plugin->watches[index->reserves].kind,
						       informer->store, number);
			}
		}
	}
}

static void informer_complete(struct informers *informers, struct informer *informer)
{
	struct reflector_config config = {
		.sched = informers->config.sched,
		.client = informers->config.client,
		.store = informer->store,
		.changed = informers->config.changed,
		.arg = informers->config.arg,
	};

	for (size_t i = 0; i < informer->subscription_count; i++) {
		const struct asb_watch *watch = informer_watch_of(&informer->subscriptions[i]);

		store_add_fields(informer->store, watch->fields);
		informer_add_indexes(informers, informer, &informer->subscriptions[i]);
		informer->metadata_only =
			informer->metadata_only && (watch->flags & ASB_WATCH_METADATA) != 0;
	}
	informer_informers_set_selector(informers, informer);
	store_seal(informer->store);
	config.metadata_only = informer->metadata_only;
	if (strcmp(informer->kind->plural, "pods") == 0 && *informer->kind->group == '\0') {
		config.label_selector = informers->config.pod_label_selector;
	}
	informer->reflector = reflector_create(&config);
	for (size_t i = 0; i < informer->subscription_count; i++) {
		controller_bind_watch(informer->subscriptions[i].controller,
				      informer->subscriptions[i].watch, informer->store,
				      informer->reflector, informer->metadata_only);
	}
}

struct informers *informers_create(const struct informers_config *config,
				   struct controller *const *controllers, size_t count)
{
	struct informers *informers = xnew(struct informers);

	informers->config = *config;
	informers->controllers = controllers;
	informers->controller_count = count;
	for (size_t i = 0; i < count; i++) {
		for (uint32_t watch = 0; watch < controller_plugin(controllers[i])->watch_count;
		     watch++) {
			informer_subscribe(informers, controllers[i], watch);
		}
	}
	for (size_t i = 0; i < informers->count; i++) {
		informer_complete(informers, &informers->items[i]);
	}
	return informers;
}

void informers_start(struct informers *informers)
{
	for (size_t i = 0; i < informers->count; i++) {
		reflector_start(informers->items[i].reflector);
	}
}

void informers_stop(struct informers *informers)
{
	for (size_t i = 0; i < informers->count; i++) {
		reflector_stop(informers->items[i].reflector);
	}
}

void informers_destroy(struct informers *informers)
{
	if (informers == NULL) {
		return;
	}
	for (size_t i = 0; i < informers->count; i++) {
		reflector_destroy(informers->items[i].reflector);
		store_destroy(informers->items[i].store);
	}
	free(informers);
}

/* ---- asking ---- */

int informers_resync(struct informers *informers, struct error *reterr)
{
	for (size_t i = 0; i < informers->count; i++) {
		int code = reflector_resync(informers->items[i].reflector, reterr);

		if (code < 0) {
			error_prefix(reterr, "cannot list '%s'", informers->items[i].kind->plural);
			return code;
		}
	}
	return 0;
}

bool informers_settled(struct informers *informers)
{
	for (size_t i = 0; i < informers->count; i++) {
		if (reflector_state(informers->items[i].reflector) == REFLECTOR_LISTING) {
			return false;
		}
	}
	return true;
}

void informers_report(struct informers *informers, struct buf *out)
{
	for (size_t i = 0; i < informers->count; i++) {
		const struct informer *informer = &informers->items[i];
		enum reflector_state state = reflector_state(informer->reflector);

		if (state != REFLECTOR_SYNCED) {
			buf_printf(out, "%s.%s: %s\n", informer->kind->plural,
				   informer->kind->group,
				   state == REFLECTOR_ABSENT ? "not served by the API server"
							     : "being listed");
		}
	}
}

struct store *informers_store(struct informers *informers, const struct asb_kind *kind)
{
	struct informer *informer = informer_find(informers, kind);

	return informer != NULL ? informer->store : NULL;
}
