/* SPDX-License-Identifier: Apache-2.0 */
/* What containers there are: Podman's list, and inspect where the list says too little. The node
 * calls it through podman.c's table. */
#include "config.h"

#include <errno.h>

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman-inspect.h"
#include "node/podman-internal.h"

/* A running member's line in the list is enough: it costs one question for all of them. */
static bool needs_inspect(const struct runtime_status *status)
{
	return status->phase == RUNTIME_EXITED ||
	       (status->name == NULL && status->phase == RUNTIME_RUNNING);
}

static void complete(struct podman *podman, struct runtime_list *list)
{
	char **paths CLEANUP_FREE = xnew_array(char *, list->count + 1);
	struct json_object **trees CLEANUP_FREE = xnew_array(struct json_object *, list->count + 1);
	size_t count = 0, at = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (needs_inspect(&list->items[i])) {
			paths[count++] =
				xprintf(PODMAN_API "/containers/%s/json", list->items[i].id);
		}
	}
	podman_get_many(podman, paths, count, trees);
	for (size_t i = 0; i < list->count; i++) {
		struct runtime_status *status = &list->items[i];
		char ip[64];

		if (!needs_inspect(status)) {
			continue;
		}
		podman_read_state(trees[at], podman_was_stopped(podman, status->id), status);
		if (status->name == NULL && podman_read_ip(trees[at], podman->network, ip)) {
			status->ip = xstrdup(ip);
		}
		json_object_put(trees[at]);
		free(paths[at++]);
	}
}

int podman_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct json_object *entries CLEANUP_JSON = NULL;
	int r = podman_prepare(podman, reterr);

	if (r < 0) {
		return r;
	}

	char *filter CLEANUP_FREE = podman_filter(podman, uid, NULL);
	char *path CLEANUP_FREE = xprintf("/containers/json%s", filter);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	r = podman_call(podman, &request, &entries, reterr);
	if (r < 0) {
		return r;
	}

	struct runtime_list list = { 0 };

	list.items = xnew_array(struct runtime_status, asb_length(entries) + 1);
	for (size_t i = 0; i < asb_length(entries); i++) {
		list.count += podman_read_entry(json_object_array_get_idx(entries, i),
						&list.items[list.count]);
	}
	complete(podman, &list);
	*ret = list;
	return 0;
}
