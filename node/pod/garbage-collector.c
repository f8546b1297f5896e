/* SPDX-License-Identifier: Apache-2.0 */
/* Finds pods and directories that the API server does not have. A thread of node/node.c. */
#include "config.h"

#include "node/pod/garbage-collector.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "core/controller/informer.h"
#include "core/observe/log.h"
#include "node/env/env.h"
#include "node/node-private.h"
#include "node/pod/pod-private.h"
#include "node/volumes/claims.h"

/* Between checks of all claims with the API server, and the time to the second check of one that
 * was gone. */
#define CLAIMS_US 30000000u
#define CLAIMS_AGAIN_US 10000000u

struct garbage_collector {
	struct node *node;
	struct sched_mutex lock;
	struct sched_cond changed;
	bool stopping, wanted; /* lock */
	struct sched_thread *thread;
	bool logged;     /* the thread's own: the failure is in the log */
	char **suspects; /* the thread's own: directories without a pod at the last check; or NULL */
	uint64_t directories_us;    /* the thread's own: when they are checked next */
	struct claims_check claims; /* the thread's own, and when they are checked next */
	uint64_t claims_us;
};

/* ---- pods ---- */

static void collector_enqueue(void *arg, const char *ns, const char *name)
{
	struct node *node = arg;

	manager_enqueue(node->manager, 0, ns, name);
}

static bool collector_find_pods(struct garbage_collector *collector)
{
	struct node *node = collector->node;
	struct runtime_list list = { 0 };
	struct error error = { 0 };

	if (node->runtime->ops->list(node->runtime, NULL, &list, &error) < 0) {
		if (!collector->logged) {
			log_warning("cannot list the containers of the runtime, going on: %s",
				    error.text);
		}
		collector->logged = true;
		return false;
	}
	collector->logged = false;
	for (size_t i = 0; i < list.count; i++) {
		const struct runtime_status *status = &list.items[i];

		if (status->pod_ns != NULL && status->pod_name != NULL) {
			pod_store_get(node->pods, status->pod_uid, status->pod_ns,
				      status->pod_name);
		}
	}
	runtime_list_finish(&list);
	pod_store_each(node->pods, collector_enqueue, node);
	return true;
}

/* ---- directories ---- */

struct keys {
	char **items; /* "ns", "name", "ns" ... */
	size_t count, size;
};

static void collector_add_key(void *arg, const char *ns, const char *name)
{
	struct keys *keys = arg;

	if (keys->count + 2 > keys->size) {
		keys->size = keys->size > 0 ? 2 * keys->size : 128;
		keys->items = xrealloc(keys->items, keys->size * sizeof(char *));
	}
	keys->items[keys->count++] = xstrdup(ns);
	keys->items[keys->count++] = xstrdup(name);
}

/* Whether the API server has a pod of this uid. */
static bool collector_is_pod(struct node *node, const char *uid)
{
	struct store *store = informers_store(manager_informers(node->manager), &pod_kind);
	struct keys keys = { 0 };
	char found[64];
	bool is = false;

	store_each_key(store, collector_add_key, &keys);
	for (size_t i = 0; i < keys.count; i += 2) {
		is = is || (store_uid(store, keys.items[i], keys.items[i + 1], found) &&
			    strcmp(found, uid) == 0);
		free(keys.items[i]);
		free(keys.items[i + 1]);
	}
	free(keys.items);
	return is;
}

static bool collector_is_listed(char **list, const char *text)
{
	for (char **at = list; at != NULL && *at != NULL; at++) {
		if (strcmp(*at, text) == 0) {
			return true;
		}
	}
	return false;
}

/* Removes directories that had no pod at the last check and have none now. */
static void collector_clear_directories(struct garbage_collector *collector)
{
	struct node *node = collector->node;
	CLEANUP_BUF struct buf missing = BUF_INIT(1u << 16);
	char **uids = NULL, *ns, *name;
	struct error error = { 0 };
	size_t left = 0;

	if (!manager_ready(node->manager, &missing) ||
	    volumes_list(node->options->state_dir, &uids, &error) < 0) {
		return;
	}
	for (char **at = uids; *at != NULL; at++) {
		bool known = pod_store_key(node->pods, *at, &ns, &name);

		if (known) {
			free(ns);
			free(name);
		}
		if (known || collector_is_pod(node, *at)) {
			free(*at);
		} else if (collector_is_listed(collector->suspects, *at)) {
			message_remove(node->options->state_dir, *at);
			volumes_remove(node->options->state_dir, *at, NULL);
			free(*at);
		} else {
			uids[left++] = *at;
		}
	}
	uids[left] = NULL;
	strings_finish(collector->suspects);
	collector->suspects = uids;
}

/* ---- claims ---- */

static void collector_log_claim(void *arg UNUSED, const char *sentence)
{
	log_info("%s", sentence);
}

static void collector_clear_claims(struct garbage_collector *collector)
{
	struct node *node = collector->node;
	bool again = claims_clear(node->options->state_dir, &node->source, &collector->claims,
				  collector_log_claim, NULL);

	collector->claims_us = sched_now_us(node->sched) + (again ? CLAIMS_AGAIN_US : CLAIMS_US);
}

/* ---- life ---- */

/* False: the node ends. */
static bool collector_wait(struct garbage_collector *collector, uint64_t until_us)
{
	LOCKED(&collector->lock);

	while (!collector->stopping && !collector->wanted &&
	       sched_now_us(collector->node->sched) < until_us) {
		sched_cond_wait(&collector->changed, &collector->lock, until_us);
	}
	collector->wanted = false;
	return !collector->stopping;
}

static void collector_run(void *arg)
{
	struct garbage_collector *collector = arg;
	struct sched *sched = collector->node->sched;
	uint64_t next, now;

	do {
		bool found = collector_find_pods(collector);

		now = sched_now_us(sched);
		next = now + (found ? GARBAGE_COLLECT_US : GARBAGE_COLLECT_US / 20);
		/* Two checks in a row must be a minute apart, however often this thread is
		 * woken. */
		if (found && now >= collector->directories_us) {
			collector_clear_directories(collector);
			collector->directories_us = now + GARBAGE_COLLECT_US;
		}
		if (now >= collector->claims_us) {
			collector_clear_claims(collector);
		}
		next = collector->claims_us < next ? collector->claims_us : next;
	} while (collector_wait(collector, next));
}

struct garbage_collector *garbage_collector_create(struct node *node)
{
	struct garbage_collector *collector = xnew(struct garbage_collector);

	collector->node = node;
	sched_mutex_init(&collector->lock, node->sched);
	sched_cond_init(&collector->changed, node->sched);
	collector->thread = sched_start(node->sched, "garbage", collector_run, collector);
	return collector;
}

void garbage_collector_wake(struct garbage_collector *collector)
{
	LOCKED(&collector->lock);

	collector->wanted = true;
	sched_cond_broadcast(&collector->changed);
}

void garbage_collector_destroy(struct garbage_collector *collector)
{
	if (collector == NULL) {
		return;
	}
	sched_mutex_lock(&collector->lock);
	collector->stopping = true;
	sched_cond_broadcast(&collector->changed);
	sched_mutex_unlock(&collector->lock);
	sched_join(collector->thread);
	strings_finish(collector->suspects);
	claims_check_finish(&collector->claims);
	sched_cond_finish(&collector->changed);
	sched_mutex_finish(&collector->lock);
	free(collector);
}
