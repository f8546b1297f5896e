/* SPDX-License-Identifier: Apache-2.0 */
/* Gets, lists and the beginning of watches. The API calls it for GET on kinds. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/watch-private.h"
#include "base/memory.h"

#define WATCH_DEFAULT_S 1800u /* and as much again by chance, as the real server */
#define WATCH_MOST_S 86400u

/* ---- what is asked for ---- */

bool read_selector(struct api_call *call, struct selector **ret)
{
	const char *labels = call_query(call, "labelSelector");
	const char *fields = call_query(call, "fieldSelector");
	CLEANUP_FREE char *own = NULL;
	struct error error = { 0 };

	/* A watch of one name is a watch of all with that selector. */
	if (*call->route.name != '\0') {
		own = xprintf("%s%smetadata.name=%s", fields != NULL ? fields : "",
			      fields != NULL && *fields != '\0' ? "," : "", call->route.name);
	}

	int status = selector_create(call->api->objects, &call->kind, labels,
				     own != NULL ? own : fields, ret, &error);

	if (status != 0 && status != 200) {
		call_fail_with(call, status, &error);
		return false;
	}
	return true;
}

static void read_fail_too_large(struct api_call *call, uint64_t wanted, uint64_t current)
{
	struct error error = { 0 };

	error_set(&error, -504, "Too large resource version: %llu, current: %llu",
		  (unsigned long long)wanted, (unsigned long long)current);
	call_fail_with(call, 504, &error);
}

/* ---- lists ---- */

static void read_list(struct api_call *call)
{
	struct list_options options;
	struct list_page page = { 0 };
	struct selector *selector = NULL;
	struct error error = { 0 };
	int status = 0;

	if (!options_list(call, &options)) {
		return;
	}
	{
		LOCKED(&call->api->lock);

		if (!read_selector(call, &selector)) {
			return;
		}
		options.selector = selector;
		status = list_read(call->api->objects, &call->kind, &options, &page, &error);
	}
	if (status == 200) {
		print_list(call, &page);
		list_page_finish(&page);
	} else {
		call_fail_with(call, status, &error);
	}
	selector_destroy(selector);
}

/* ---- watches ---- */

struct watch_query {
	bool from_now;   /* without a version: first the objects there are, then changes */
	bool initial;    /* sendInitialEvents */
	bool no_initial; /* sendInitialEvents=false: only changes */
	uint64_t version;
	int64_t timeout_s;
};

static bool read_watch_query_read(struct api_call *call, struct watch_query *ret)
{
	const char *match = call_query(call, "resourceVersionMatch");
	const char *initial = call_query(call, "sendInitialEvents");
	int64_t limit = 0;

	if (!call_query_integer(call, "timeoutSeconds", &ret->timeout_s) ||
	    !call_query_integer(call, "limit", &limit) || !options_version(call, &ret->version)) {
		return false;
	}
	ret->initial = query_flag(&call->query, "sendInitialEvents", false);
	ret->no_initial = initial != NULL && !ret->initial;
	if (initial != NULL && (match == NULL || strcmp(match, "NotOlderThan") != 0)) {
		call_fail(
			call, 422, NULL,
			"resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
		return false;
	}
	if (initial == NULL && match != NULL && *match != '\0') {
		call_fail(
			call, 422, NULL,
			"resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
		return false;
	}
	ret->from_now = ret->version == 0;
	return true;
}

static uint64_t read_watch_end(struct api_call *call, int64_t timeout_s)
{
	struct sched *sched = call->api->sched;
	uint64_t seconds = timeout_s > 0 ? (uint64_t)timeout_s
					 : WATCH_DEFAULT_S + sched_random(sched) % WATCH_DEFAULT_S;

	if (seconds > WATCH_MOST_S) {
		seconds = WATCH_MOST_S;
	}
	return sched_now_us(sched) + seconds * 1000000;
}

/* Reads the objects that the watch sends first. The lock is held. */
static struct list_page *read_watch_initial(struct api_call *call, const struct selector *selector)
{
	struct list_options options = { .ns = call->route.ns, .selector = selector };
	struct list_page *page = xnew(struct list_page);
	struct error error = { 0 };
	int status = list_read(call->api->objects, &call->kind, &options, page, &error);

	if (status != 200) {
		free(page);
		call_fail_with(call, status, &error);
		return NULL;
	}
	return page;
}

void read_watch(struct api_call *call)
{
	struct api *api = call->api;
	struct watch_query query = { 0 };
	struct selector *selector = NULL;

	if (!read_watch_query_read(call, &query)) {
		return;
	}

	struct watch_options options = {
		.kind = call->kind,
		.ns = call->route.ns,
		.representation = call->representation,
		.meta_version = call->meta_version,
		.bookmarks = query_flag(&call->query, "allowWatchBookmarks", false),
		.end_us = read_watch_end(call, query.timeout_s),
	};

	LOCKED(&api->lock);
	uint64_t current = objects_version(api->objects);

	if (query.version > current) {
		read_fail_too_large(call, query.version, current);
		return;
	}
	if (!read_selector(call, &selector)) {
		return;
	}
	options.after = query.from_now ? current : query.version;
	if (query.initial || (query.from_now && !query.no_initial)) {
		options.initial = read_watch_initial(call, selector);
		options.initial_bookmark = query.initial && options.bookmarks;
		if (options.initial == NULL) {
			selector_destroy(selector);
			return;
		}
		options.after = options.initial->version;
	} else if (options.after < objects_compacted(api->objects)) {
		options.expired = true;
	}
	options.take_selector = selector;
	call->response->status = 200;
	call->response->content_type = "application/json";
	call->response->watch = watch_create(api, &options);
}

/* ---- gets ---- */

static void read_get(struct api_call *call)
{
	uint64_t version = 0;

	/* The stored object is as new as any version a client knows, so the version must only be
	 * valid. */
	if (!options_version(call, &version)) {
		return;
	}

	CLEANUP(objects_state_release)
	struct objects_state *state = call_state(call, call->route.subresource);

	if (state != NULL) {
		print_object(call, 200, state);
	}
}

void read_handle(struct api_call *call)
{
	if (strcmp(call->route.subresource, "log") == 0) {
		podlog_handle(call);
		return;
	}
	if (call->route.watch || query_flag(&call->query, "watch", false)) {
		read_watch(call);
	} else if (*call->route.name == '\0') {
		read_list(call);
	} else {
		read_get(call);
	}
}
