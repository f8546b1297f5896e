/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a pod: start and remove. The node calls them through podman.c's table. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/podman-create.h"
#include "node/podman-internal.h"

/* ---- start ---- */

static bool is_root(const char *user)
{
	size_t length = strcspn(user, ":");

	return length == 0 || (length == 1 && user[0] == '0') ||
	       (length == 4 && strncmp(user, "root", 4) == 0);
}

/* What the kubelet says of runAsNonRoot: root is refused, and a name too, which may be root's. */
static int check_user(struct podman *podman, const struct runtime_container *container,
		      const char *image, struct error *reterr)
{
	struct json_object *inspect CLEANUP_JSON = NULL;
	char *path CLEANUP_FREE = xprintf("/images/%s/json", image);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	const char *user = container->user;

	if (!container->non_root) {
		return 0;
	}
	if (user == NULL) {
		int r = podman_call(podman, &request, &inspect, reterr);

		if (r < 0) {
			return r;
		}
		user = asb_str(inspect, "User");
		user = user != NULL ? user : "";
	}
	if (is_root(user)) {
		return error_set(reterr, -EINVAL,
				 "container has runAsNonRoot and image will run as root");
	}
	if (user[0] < '0' || user[0] > '9') {
		return error_set(reterr, -EINVAL,
				 "container has runAsNonRoot and image has non-numeric user (%s), "
				 "cannot verify user is non-root",
				 user);
	}
	return 0;
}

static void note_limits(const struct runtime_container *container, int handler, struct buf *notes)
{
	if (handler == PODMAN_RUNSC && notes != NULL &&
	    (container->memory_limit > 0 || container->cpu_limit > 0 ||
	     container->pids_limit > 0)) {
		buf_printf(notes,
			   "limits of container '%s' are not held: runsc runs with "
			   "--ignore-cgroups here\n",
			   container->name);
	}
}

/* The pod's own, if it is there. */
static char *hosts_of(const struct podman *podman, const char *uid)
{
	char *path CLEANUP_FREE = xprintf("%s/pods/%s/hosts", podman->state_dir, uid);

	return access(path, R_OK) == 0 ? TAKE(path) : NULL;
}

static int launch(struct podman *podman, int handler, const struct runtime_pod *pod,
		  const struct runtime_container *container, const char *image, char ret_id[80],
		  struct error *reterr)
{
	char *hosts CLEANUP_FREE = hosts_of(podman, pod->uid);
	char *name CLEANUP_FREE =
		podman_container_name(pod->uid, container->name, container->attempt);
	const struct podman_create create = {
		.label = podman->label,
		.handler = podman->services[handler].handler,
		.image = image,
		.hosts = hosts,
		.log_max = podman->log_max,
		.take_rlimits = podman_rlimits(),
	};
	struct json_object *body CLEANUP_JSON = podman_create_container(&create, pod, container);

	return podman_launch(podman, handler, name, body, ret_id, NULL, reterr);
}

int podman_start_container(struct runtime *runtime, const struct runtime_pod *pod,
			   const struct runtime_container *container, char ret_id[80],
			   struct buf *notes, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	char *image CLEANUP_FREE = NULL;
	int handler, r;

	if (!podman_name_ok(pod->uid) || !podman_name_ok(container->name)) {
		return error_set(reterr, -EINVAL, "'%s' and '%s' are no names of a container",
				 pod->uid, container->name);
	}
	r = podman_handler(podman, pod->handler, &handler, reterr);
	if (r < 0) {
		return r;
	}
	image = podman_image_here(podman, container->image, reterr);
	if (image == NULL) {
		return -ENOENT;
	}
	r = check_user(podman, container, image, reterr);
	if (r == 0) {
		r = launch(podman, handler, pod, container, image, ret_id, reterr);
	}
	if (r == 0) {
		note_limits(container, handler, notes);
	}
	return r;
}

/* ---- remove ---- */

int podman_remove_container(struct runtime *runtime, const char *id, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	char *path CLEANUP_FREE = xprintf("/containers/%s" PODMAN_REMOVE, id);
	const struct podman_request request = {
		.handler = -1, .method = "DELETE", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	if (!podman_name_ok(id)) {
		return error_set(reterr, -EINVAL, "'%s' is no id of a container", id);
	}

	int r = podman_call(podman, &request, NULL, reterr);

	if (r == 0 || r == -ENOENT) {
		podman_forget_stopped(podman, id);
	}
	return r == -ENOENT ? 0 : r;
}
