/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the containers: from Podman's list, and from inspect where that has more. The node
 * calls it through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/inspect.h"
#include "node/podman/podman-private.h"

#define KNOWN_MAX 4096 /* addresses that are remembered: more than a node has pods */

/* ---- addresses, which stay while a pause runs ---- */

static char *list_run_of(const struct runtime_status *status)
{
	return xprintf("%s %lld", status->id, (long long)status->started_ms);
}

static void list_forget_addresses(struct podman *podman)
{
	const char *key;
	size_t at = 0;
	char *ip;

	while ((ip = map_next(&podman->addresses, &at, &key)) != NULL) {
		free((char *)(uintptr_t)key);
		free(ip);
	}
	map_finish(&podman->addresses);
}

void podman_addresses_finish(struct podman *podman)
{
	LOCKED(&podman->lock);
	list_forget_addresses(podman);
}

static void list_know_address(struct podman *podman, char *take_run, const char *ip)
{
	LOCKED(&podman->lock);
	if (map_get(&podman->addresses, take_run) != NULL) {
		free(take_run);
		return;
	}
	if (podman->addresses.count >= KNOWN_MAX) {
		list_forget_addresses(podman);
		podman->addresses = (struct map){ 0 };
	}
	(void)map_put(&podman->addresses, take_run, xstrdup(ip));
}

/* The caller's; NULL: not known. */
static char *list_known_address(struct podman *podman, const struct runtime_status *status)
{
	CLEANUP_FREE char *run = list_run_of(status);

	LOCKED(&podman->lock);

	const char *ip = map_get(&podman->addresses, run);

	return ip != NULL ? xstrdup(ip) : NULL;
}

/* ---- what only inspect has ---- */

static bool list_is_running_pause(const struct runtime_status *status)
{
	return status->name == NULL && status->phase == RUNTIME_RUNNING;
}

/* For a running container the list is enough, which is one request for all of them. */
static bool list_needs_inspect(const struct runtime_status *status)
{
	return status->phase == RUNTIME_EXITED ||
	       (list_is_running_pause(status) && status->ip == NULL);
}

static void list_read_inspect(struct podman *podman, struct json_object *inspect,
			      struct runtime_status *status)
{
	char ip[64];

	/* Before podman_read_state makes the times more precise: the address is stored under the
	 * list's. */
	if (status->name == NULL && podman_read_ip(inspect, podman->network, ip)) {
		status->ip = xstrdup(ip);
		if (list_is_running_pause(status)) {
			list_know_address(podman, list_run_of(status), ip);
		}
	}
	podman_read_state(inspect, podman_was_stopped(podman, status->id), status);
}

static void list_complete(struct podman *podman, struct runtime_list *list)
{
	CLEANUP_FREE char **paths = xnew_array(char *, list->count + 1);
	CLEANUP_FREE struct json_object **trees = xnew_array(struct json_object *, list->count + 1);
	CLEANUP_FREE bool *asked = xnew_array(bool, list->count + 1);
	size_t count = 0, at = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct runtime_status *status = &list->items[i];

		if (list_is_running_pause(status)) {
			status->ip = list_known_address(podman, status);
		}
		asked[i] = list_needs_inspect(status);
		if (asked[i]) {
			paths[count++] =
				xprintf(PODMAN_API "/containers/%s/json", list->items[i].id);
		}
	}
	podman_get_many(podman, paths, count, trees);
	for (size_t i = 0; i < list->count; i++) {
		if (!asked[i]) {
			continue;
		}
		list_read_inspect(podman, trees[at], &list->items[i]);
		json_object_put(trees[at]);
		free(paths[at++]);
	}
}

int podman_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	CLEANUP_JSON struct json_object *entries = NULL;
	int code = podman_prepare(podman, reterr);

	if (code < 0) {
		return code;
	}

	CLEANUP_FREE char *filter = podman_filter(podman, uid, NULL);
	CLEANUP_FREE char *path = xprintf("/containers/json%s", filter);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	code = podman_call(podman, &request, &entries, reterr);
	if (code < 0) {
		return code;
	}

	struct runtime_list list = { 0 };

	list.items = xnew_array(struct runtime_status, asb_length(entries) + 1);
	for (size_t i = 0; i < asb_length(entries); i++) {
		list.count += podman_read_entry(json_object_array_get_idx(entries, i),
						&list.items[list.count]);
	}
	list_complete(podman, &list);
	*ret = list;
	return 0;
}
