/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a pod: start and remove. The node calls them through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/create.h"
#include "node/podman/podman-private.h"
#include "node/podman/user.h"

/* ---- start ---- */

/* The image's USER; the caller's. */
static int container_image_user(struct podman *podman, const char *image, char **ret,
				struct error *reterr)
{
	CLEANUP_JSON struct json_object *inspect = NULL;
	CLEANUP_FREE char *path = xprintf("/images/%s/json", image);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	int code = podman_call(podman, &request, &inspect, reterr);
	const char *user = asb_str(inspect, "User");

	if (code == 0) {
		*ret = xstrdup(user != NULL ? user : "");
	}
	return code;
}

/* Checks runAsNonRoot. *ret_user gets the image's user where that was checked, so that Podman runs
 * it even if the image's tag moves in between; else it stays NULL. */
static int container_check_user(struct podman *podman, const struct runtime_container *container,
				const char *image, char **ret_user, struct error *reterr)
{
	CLEANUP_FREE char *user = NULL;
	int code;

	if (!container->non_root) {
		return 0;
	}
	if (container->user != NULL) {
		return user_check_non_root(container->user, false, reterr);
	}
	code = container_image_user(podman, image, &user, reterr);
	if (code == 0) {
		code = user_check_non_root(user, true, reterr);
	}
	if (code == 0) {
		*ret_user = TAKE(user);
	}
	return code;
}

static void container_note_limits(const struct runtime_pod *pod,
				  const struct runtime_container *container, int handler,
				  struct buf *notes)
{
	if (handler == PODMAN_RUNSC && notes != NULL && container->seccomp != NULL) {
		buf_printf(
			notes,
			"runsc has a system call filter of its own and takes no seccompProfile\n");
	}
	if (handler == PODMAN_RUNSC && notes != NULL &&
	    ((pod->sysctls != NULL && pod->sysctls[0] != NULL) ||
	     (container->sysctls != NULL && container->sysctls[0] != NULL))) {
		buf_printf(notes, "runsc has a kernel of its own and takes no sysctls\n");
	}
	if (handler == PODMAN_RUNSC && notes != NULL &&
	    (container->memory_limit > 0 || container->cpu_limit > 0 ||
	     container->pids_limit > 0)) {
		buf_printf(
			notes,
			"limits of container '%s' are not held: runsc runs with --ignore-cgroups here\n",
			container->name);
	}
}

static int container_launch(struct podman *podman, int handler, const struct runtime_pod *pod,
			    const struct runtime_container *container, const char *image,
			    char ret_id[80], struct error *reterr)
{
	struct runtime_mount files[PODMAN_ETC_FILES];
	size_t file_count = podman_etc_mounts(podman, pod->uid, files);
	CLEANUP_FREE char *name =
		podman_container_name(pod->uid, container->name, container->attempt);
	const struct podman_create create = {
		.label = podman->label,
		.handler = podman->services[handler].handler,
		.image = image,
		.files = files,
		.file_count = file_count,
		.log_max = podman->log_max,
		.take_rlimits = podman_rlimits(),
	};
	CLEANUP_JSON struct json_object *body = podman_create_container(&create, pod, container);

	podman_etc_mounts_finish(files, file_count);
	return podman_launch(podman, handler, name, body, ret_id, NULL, reterr);
}

int podman_start_container(struct runtime *runtime, const struct runtime_pod *pod,
			   const struct runtime_container *container, char ret_id[80],
			   struct buf *notes, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	char *image CLEANUP_FREE = NULL, *user CLEANUP_FREE = NULL;
	int handler, code;

	if (!podman_name_ok(pod->uid) || !podman_name_ok(container->name)) {
		return error_set(reterr, -EINVAL, "'%s' and '%s' are not valid container names",
				 pod->uid, container->name);
	}
	code = podman_handler(podman, pod->handler, &handler, reterr);
	if (code < 0) {
		return code;
	}
	image = podman_image_here(podman, container->image, reterr);
	if (image == NULL) {
		return -ENOENT;
	}
	code = container_check_user(podman, container, image, &user, reterr);
	if (code == 0) {
		struct runtime_container checked = *container;

		checked.user = user != NULL ? user : container->user;
		code = container_launch(podman, handler, pod, &checked, image, ret_id, reterr);
	}
	if (code == 0) {
		container_note_limits(pod, container, handler, notes);
	}
	return code;
}

/* ---- remove ---- */

int podman_remove_container(struct runtime *runtime, const char *id, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	CLEANUP_FREE char *path = xprintf("/containers/%s" PODMAN_REMOVE, id);
	const struct podman_request request = {
		.handler = -1, .method = "DELETE", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	if (!podman_name_ok(id)) {
		return error_set(reterr, -EINVAL, "'%s' is not a container id", id);
	}

	int code = podman_call(podman, &request, NULL, reterr);

	if (code == 0 || code == -ENOENT) {
		podman_forget_stopped(podman, id);
	}
	return code == -ENOENT ? 0 : code;
}
