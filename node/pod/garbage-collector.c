/* SPDX-License-Identifier: Apache-2.0 */
/* Finds pods and directories that nobody asked for. A thread of node/node.c. */
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

/* The API server is asked for each claim: that often, and when one was gone so soon again. */
#define CLAIMS_US 30000000u
#define CLAIMS_AGAIN_US 10000000u

struct sweeper {
	struct node *node;
	struct sched_mutex lock;
	struct sched_cond changed;
	bool stopping, wanted; /* lock */
	struct sched_thread *thread;
	bool told;       /* the thread's own: a failure is logged once */
	char **suspects; /* the thread's own: directories of nobody at the last look; or NULL */
	uint64_t directories_us;   /* the thread's own: when they are looked at next */
	struct claims_look claims; /* the thread's own, and when they are looked at next */
	uint64_t claims_us;
};

/* ---- pods ---- */

static void wake_key(void *arg, const char *ns, const char *name)
{
	struct node *node = arg;

	manager_enqueue(node->manager, 0, ns, name);
}

static bool find_pods(struct sweeper *sweeper)
{
	struct node *node = sweeper->node;
	struct runtime_list list = { 0 };
	struct error error = { 0 };

	if (node->runtime->ops->list(node->runtime, NULL, &list, &error) < 0) {
		if (!sweeper->told) {
			log_warning("cannot list what runs here, going on: %s", error.text);
		}
		sweeper->told = true;
		return false;
	}
	sweeper->told = false;
	for (size_t i = 0; i < list.count; i++) {
		const struct runtime_status *status = &list.items[i];

		if (status->pod_ns != NULL && status->pod_name != NULL) {
			book_get(node->book, status->pod_uid, status->pod_ns, status->pod_name);
		}
	}
	runtime_list_finish(&list);
	book_each(node->book, wake_key, node);
	return true;
}

/* ---- directories ---- */

struct keys {
	char **items; /* "ns", "name", "ns" ... */
	size_t count, size;
};

static void add_key(void *arg, const char *ns, const char *name)
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
static bool is_pod(struct node *node, const char *uid)
{
	struct store *store = informers_store(manager_informers(node->manager), &pod_kind);
	struct keys keys = { 0 };
	char found[64];
	bool is = false;

	store_each_key(store, add_key, &keys);
	for (size_t i = 0; i < keys.count; i += 2) {
		is = is || (store_uid(store, keys.items[i], keys.items[i + 1], found) &&
			    strcmp(found, uid) == 0);
		free(keys.items[i]);
		free(keys.items[i + 1]);
	}
	free(keys.items);
	return is;
}

static bool is_listed(char **list, const char *text)
{
	for (char **at = list; at != NULL && *at != NULL; at++) {
		if (strcmp(*at, text) == 0) {
			return true;
		}
	}
	return false;
}

/* Removes directories that had no pod at the last look and have none now. */
static void clear_directories(struct sweeper *sweeper)
{
	struct node *node = sweeper->node;
	CLEANUP_BUF struct buf missing = BUF_INIT(1u << 16);
	char **uids = NULL, *ns, *name;
	struct error error = { 0 };
	size_t kept = 0;

	if (!manager_ready(node->manager, &missing) ||
	    volumes_list(node->options->state_dir, &uids, &error) < 0) {
		return;
	}
	for (char **at = uids; *at != NULL; at++) {
		bool known = book_key(node->book, *at, &ns, &name);

		if (known) {
			free(ns);
			free(name);
		}
		if (known || is_pod(node, *at)) {
			free(*at);
		} else if (is_listed(sweeper->suspects, *at)) {
			message_remove(node->options->state_dir, *at);
			volumes_remove(node->options->state_dir, *at, NULL);
			free(*at);
		} else {
			uids[kept++] = *at;
		}
	}
	uids[kept] = NULL;
	strings_finish(sweeper->suspects);
	sweeper->suspects = uids;
}

/* ---- claims ---- */

static void log_claim(void *arg UNUSED, const char *sentence)
{
	log_info("%s", sentence);
}

static void clear_claims(struct sweeper *sweeper)
{
	struct node *node = sweeper->node;
	bool again = claims_clear(node->options->state_dir, &node->source, &sweeper->claims,
				  log_claim, NULL);

	sweeper->claims_us = sched_now_us(node->sched) + (again ? CLAIMS_AGAIN_US : CLAIMS_US);
}

/* ---- life ---- */

/* False: the node ends. */
static bool wait(struct sweeper *sweeper, uint64_t until_us)
{
	LOCKED(&sweeper->lock);

	while (!sweeper->stopping && !sweeper->wanted &&
	       sched_now_us(sweeper->node->sched) < until_us) {
		sched_cond_wait(&sweeper->changed, &sweeper->lock, until_us);
	}
	sweeper->wanted = false;
	return !sweeper->stopping;
}

static void run(void *arg)
{
	struct sweeper *sweeper = arg;
	struct sched *sched = sweeper->node->sched;
	uint64_t next, now;

	do {
		bool found = find_pods(sweeper);

		now = sched_now_us(sched);
		next = now + (found ? SWEEP_US : SWEEP_US / 20);
		/* Twice in a row means a time apart, however often this thread is woken. */
		if (found && now >= sweeper->directories_us) {
			clear_directories(sweeper);
			sweeper->directories_us = now + SWEEP_US;
		}
		if (now >= sweeper->claims_us) {
			clear_claims(sweeper);
		}
		next = sweeper->claims_us < next ? sweeper->claims_us : next;
	} while (wait(sweeper, next));
}

struct sweeper *sweeper_create(struct node *node)
{
	struct sweeper *sweeper = xnew(struct sweeper);

	sweeper->node = node;
	sched_mutex_init(&sweeper->lock, node->sched);
	sched_cond_init(&sweeper->changed, node->sched);
	sweeper->thread = sched_start(node->sched, "sweep", run, sweeper);
	return sweeper;
}

void sweeper_wake(struct sweeper *sweeper)
{
	LOCKED(&sweeper->lock);

	sweeper->wanted = true;
	sched_cond_broadcast(&sweeper->changed);
}

void sweeper_destroy(struct sweeper *sweeper)
{
	if (sweeper == NULL) {
		return;
	}
	sched_mutex_lock(&sweeper->lock);
	sweeper->stopping = true;
	sched_cond_broadcast(&sweeper->changed);
	sched_mutex_unlock(&sweeper->lock);
	sched_join(sweeper->thread);
	strings_finish(sweeper->suspects);
	claims_look_finish(&sweeper->claims);
	sched_cond_finish(&sweeper->changed);
	sched_mutex_finish(&sweeper->lock);
	free(sweeper);
}
