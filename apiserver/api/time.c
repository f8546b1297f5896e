/* SPDX-License-Identifier: Apache-2.0 */
/* Creates and destroys the API, and runs its thread of time: garbage collection, the end of
 * namespaces, old events, the bookmarks and ends of watches, checkpoints of the database. */
#include "config.h"

#include "apiserver/api/api-private.h"
#include "apiserver/api/watch-private.h"
#include "apiserver/storage/storage.h"
#include "base/memory.h"

#define REST_US UINT64_C(10000000)       /* without writes there is little to do */
#define PAUSE_US UINT64_C(20000)         /* between two looks while writes go on */
#define CHECKPOINT_US UINT64_C(30000000) /* as storage.h says */

/* Does what is due now and returns when the next work is due. The lock is held. */
static uint64_t time_pass(struct api *api, uint64_t *checkpoint_us)
{
	uint64_t now = sched_now_us(api->sched);
	bool written = api->written, more = false;
	struct error error = { 0 };

	api->written = false;
	more = request_tick(api->objects);
	registry_sync(api);
	if (api->storage != NULL && written && *checkpoint_us == SCHED_FOREVER) {
		*checkpoint_us = now + CHECKPOINT_US;
	}
	if (now >= *checkpoint_us) {
		*checkpoint_us = SCHED_FOREVER;
		/* If the file is damaged, the next write fails with the reason. */
		(void)storage_checkpoint(api->storage, &error);
	}
	api->boundary_us = watch_time(api, now);

	uint64_t next = now + (more ? PAUSE_US : REST_US);

	next = api->boundary_us < next ? api->boundary_us : next;
	return *checkpoint_us < next ? *checkpoint_us : next;
}

static void time_run(void *arg)
{
	struct api *api = arg;
	uint64_t checkpoint_us = SCHED_FOREVER;

	LOCKED(&api->lock);
	while (!api->stopping) {
		uint64_t next = time_pass(api, &checkpoint_us);

		/* One pass serves a whole burst of writes. */
		uint64_t pause = sched_now_us(api->sched) + PAUSE_US;

		while (!api->stopping && sched_now_us(api->sched) < pause) {
			(void)sched_cond_wait(&api->clock, &api->lock, pause);
		}
		while (!api->stopping && !api->written && api->boundary_us >= next &&
		       sched_now_us(api->sched) < next) {
			(void)sched_cond_wait(&api->clock, &api->lock, next);
		}
	}
}

void time_start(struct api *api)
{
	api->time_thread = sched_start(api->sched, "api-time", time_run, api);
}

void time_stop(struct api *api)
{
	if (api->time_thread != NULL) {
		sched_join(api->time_thread);
		api->time_thread = NULL;
	}
}

/* ---- life ---- */

struct api *api_create(const struct api_config *config, struct error *reterr)
{
	struct api *api = xnew(struct api);

	api->sched = config->sched;
	api->config = *config;
	api->address = xstrdup(config->address != NULL ? config->address : "127.0.0.1");
	api->secret = xstrdup(config->secret);
	api->node_socket = config->node_socket != NULL ? xstrdup(config->node_socket) : NULL;
	api->boundary_us = SCHED_FOREVER;
	sched_mutex_init(&api->lock, api->sched);
	sched_cond_init(&api->clock, api->sched);
	budget_init(&api->unread, api->sched,
		    config->unread_max > 0 ? config->unread_max : API_UNREAD_MAX);
	if (audit_open(api, reterr) < 0 || registry_init(api, reterr) < 0) {
		api_destroy(api);
		return NULL;
	}
	time_start(api);
	return api;
}

void api_set_address(struct api *api, const char *address)
{
	LOCKED(&api->lock);
	free(api->address);
	api->address = xstrdup(address);
}

void api_stop(struct api *api)
{
	{
		LOCKED(&api->lock);
		api->stopping = true;
		watch_stop_all(api);
		sched_cond_broadcast(&api->clock);
	}
	time_stop(api);
}

void api_destroy(struct api *api)
{
	if (api == NULL) {
		return;
	}
	api_stop(api);
	registry_finish(api);
	audit_close(api);
	watch_lists_finish(api);
	budget_finish(&api->unread);
	sched_cond_finish(&api->clock);
	sched_mutex_finish(&api->lock);
	free(api->address);
	free(api->secret);
	free(api->node_socket);
	free(api);
}
