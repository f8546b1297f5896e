/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a reflector: list, watch, back off, list again. Owned by core/controller/informer. */
#include "config.h"

#include "core/cache/reflector.h"

#include <errno.h>

#include "base/memory.h"
#include "core/cache/reflector-private.h"
#include "core/observe/log.h"

#define BACKOFF_FIRST_US 800000u
#define BACKOFF_MAX_US 30000000u
#define ABSENT_US 2000000u /* between two requests for a kind that is not served */

struct reflector *reflector_create(const struct reflector_config *config)
{
	struct reflector *reflector = xnew(struct reflector);

	reflector->config = *config;
	reflector->kind = store_kind(config->store);
	sched_mutex_init(&reflector->lock, config->sched);
	sched_cond_init(&reflector->changed, config->sched);
	return reflector;
}

void reflector_destroy(struct reflector *reflector)
{
	if (reflector == NULL) {
		return;
	}
	sched_cond_finish(&reflector->changed);
	sched_mutex_finish(&reflector->lock);
	free(reflector);
}

enum reflector_state reflector_state(struct reflector *reflector)
{
	LOCKED(&reflector->lock);

	return reflector->state;
}

static bool reflector_stopping(struct reflector *reflector)
{
	LOCKED(&reflector->lock);

	return reflector->stop;
}

/* Waits, or returns early at a stop. */
static void reflector_pause_for(struct reflector *reflector, uint64_t delay_us)
{
	uint64_t deadline = sched_now_us(reflector->config.sched) + delay_us;

	LOCKED(&reflector->lock);
	while (!reflector->stop && sched_now_us(reflector->config.sched) < deadline) {
		sched_cond_wait(&reflector->changed, &reflector->lock, deadline);
	}
}

static uint64_t reflector_with_jitter(struct reflector *reflector, uint64_t delay_us)
{
	return delay_us + sched_random(reflector->config.sched) % delay_us;
}

static int reflector_list_in_pages(struct reflector *reflector, struct error *reterr)
{
	uint64_t before, version = 0;
	int result;

	reflector->paged = true;
	reflector_begin_list(reflector);
	before = store_version(reflector->config.store);
	result = reflector_list_pages(reflector, &version, reterr);
	if (result == 0 && version < before) {
		store_reset(reflector->config.store);
		result = error_set(
			reterr, -ESTALE,
			"the API server went back to older resourceVersions, as after a restored backup");
	}
	reflector_end_list(reflector);
	if (result == 0) {
		reflector->relist = false;
		reflector_set_state(reflector, REFLECTOR_SYNCED);
	}
	return result;
}

/* Gets the first list as a stream if the server can do that, else in pages. */
static int reflector_list(struct reflector *reflector, struct error *reterr)
{
	int result = reflector->paged ? -ENOTSUP : reflector_watch(reflector, true, reterr);

	return result == -ENOTSUP ? reflector_list_in_pages(reflector, reterr) : result;
}

/* One round. The store follows the server while it runs. */
static int reflector_follow(struct reflector *reflector, struct error *reterr)
{
	if (reflector->relist) {
		return reflector_list(reflector, reterr);
	}
	return reflector_watch(reflector, false, reterr);
}

static void reflector_report(struct reflector *reflector, int result, const struct error *error,
			     uint64_t delay_us)
{
	const char *const fields[] = { "kind", reflector->kind->kind, NULL };

	if (result == -ENOENT) {
		if (reflector_state(reflector) != REFLECTOR_ABSENT) {
			log_write(LOG_WARNING, fields,
				  "the API server does not serve '%s.%s' yet, going on without it",
				  reflector->kind->plural, reflector->kind->group);
		}
		reflector_set_state(reflector, REFLECTOR_ABSENT);
		return;
	}
	log_write(LOG_WARNING, fields, "watch failed, trying again in %llu ms: %s",
		  (unsigned long long)(delay_us / 1000), error->text);
}

static void reflector_run(void *arg)
{
	struct reflector *reflector = arg;
	uint64_t backoff = BACKOFF_FIRST_US;

	reflector->relist = true;
	while (!reflector_stopping(reflector)) {
		struct error error = { 0 };
		bool resumed = !reflector->relist;
		uint64_t delay;
		int result;

		reflector->progress = false;
		result = reflector_follow(reflector, &error);
		if (reflector->progress) {
			/* The server works: only the connection failed. */
			backoff = BACKOFF_FIRST_US;
		}
		if (result == -ESTALE || result == -ENOENT) {
			/* Our resourceVersion is too old to continue from, or the kind is not
			 * served any more. */
			reflector->relist = true;
		}
		if (result == -ECANCELED) {
			return; /* the transport was stopped, for good */
		}
		if (result == 0 || reflector_stopping(reflector) ||
		    (result == -ESTALE && resumed)) {
			continue;
		}
		delay = result == -ENOENT ? ABSENT_US : reflector_with_jitter(reflector, backoff);
		reflector_report(reflector, result, &error, delay);
		reflector_pause_for(reflector, delay);
		backoff = backoff * 2 < BACKOFF_MAX_US ? backoff * 2 : BACKOFF_MAX_US;
	}
}

void reflector_start(struct reflector *reflector)
{
	char name[16];

	snprintf(name, sizeof(name), "watch-%s", reflector->kind->plural);
	reflector->thread = sched_start(reflector->config.sched, name, reflector_run, reflector);
}

void reflector_stop(struct reflector *reflector)
{
	sched_mutex_lock(&reflector->lock);
	reflector->stop = true;
	sched_cond_broadcast(&reflector->changed);
	sched_mutex_unlock(&reflector->lock);
	if (reflector->thread != NULL) {
		sched_join(reflector->thread);
		reflector->thread = NULL;
	}
}

int reflector_resync(struct reflector *reflector, struct error *reterr)
{
	uint64_t version = 0;
	int result;

	if (reflector_state(reflector) != REFLECTOR_SYNCED) {
		return 0; /* its first list is still to come, and will be new enough */
	}
	reflector_begin_list(reflector);
	result = reflector_list_pages(reflector, &version, reterr);
	reflector_end_list(reflector);
	return result;
}
