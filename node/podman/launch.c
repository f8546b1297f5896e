/* SPDX-License-Identifier: Apache-2.0 */
/* Launches a container: creates it, checks under which OCI runtime it would run, and starts it.
 * Called for pauses (pod.c), containers (container.c) and trials of handlers (handler.c). */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"

int podman_call_on(struct podman *podman, int handler, const char *method, const char *name,
		   const char *what, struct json_object **ret, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s%s", name, what);
	const struct podman_request request = {
		.handler = handler, .method = method, .path = path, .timeout_ms = PODMAN_CREATE_MS
	};

	return podman_call(podman, &request, ret, reterr);
}

static void launch_discard(struct podman *podman, const char *name)
{
	(void)podman_call_on(podman, -1, "DELETE", name, PODMAN_REMOVE, NULL, NULL);
}

/* Podman's API takes a runtime in a create request and ignores it, so the runtime that will be used
 * is read back before the start. */
static int launch_check_runtime(struct podman *podman, int handler, const char *name,
				struct json_object *inspect, struct error *reterr)
{
	const char *wanted = podman->services[handler].handler;
	const char *real = asb_str(inspect, "OCIRuntime");

	if (asb_streq(real, wanted)) {
		return 0;
	}
	error_set(reterr, -EINVAL,
		  "podman would run '%s' under '%s' where the pod asks for '%s': not started", name,
		  real != NULL ? real : "", wanted);
	launch_discard(podman, name);
	return -EINVAL;
}

/* Podman 4.3.1 answers 500 to every error of the OCI runtime, and names its cause only in the
 * text. */

/* Podman 4.3.1, from crun and runc: the command is not in the image. */
#define PODMAN_SAYS_NO_EXECUTABLE "executable file"
/* Podman 4.3.1, its own error ErrOCIRuntimeNotFound: the same. */
#define PODMAN_SAYS_COMMAND_NOT_FOUND "command that was not found"
/* Podman 4.3.1, its own error ErrOCIRuntimePermissionDenied: the command may not be executed. */
#define PODMAN_SAYS_PERMISSION_DENIED "OCI permission denied"
/* Podman 4.3.1 answers 500, not 409, to a create whose name is taken. */
#define PODMAN_SAYS_NAME_TAKEN "already in use"

/* -EINVAL where Podman's text says that another try would fail in the same way. */
static int launch_code_of_start(int code, const char *text)
{
	static const char *const permanent[] = {
		PODMAN_SAYS_NO_EXECUTABLE,
		PODMAN_SAYS_COMMAND_NOT_FOUND,
		PODMAN_SAYS_PERMISSION_DENIED,
	};

	for (size_t i = 0; code == -EAGAIN && i < ARRAY_LEN(permanent); i++) {
		if (strstr(text, permanent[i]) != NULL) {
			return -EINVAL;
		}
	}
	return code;
}

static int launch_start_checked(struct podman *podman, int handler, const char *name,
				char ret_id[80], struct error *reterr)
{
	CLEANUP_JSON struct json_object *inspect = NULL;
	int code = podman_call_on(podman, -1, "GET", name, "/json", &inspect, reterr);

	if (code == 0) {
		code = launch_check_runtime(podman, handler, name, inspect, reterr);
	}
	if (code < 0) {
		return code;
	}

	const char *id = asb_str(inspect, "Id"), *status = asb_str(inspect, "State", "Status");

	if (id == NULL || status == NULL || strlen(id) > 79) {
		return error_set(reterr, -EAGAIN, "podman says nothing of '%s'", name);
	}
	snprintf(ret_id, 80, "%s", id);
	if (strcmp(status, "running") == 0 || strcmp(status, "exited") == 0) {
		return 0;
	}
	code = podman_call_on(podman, handler, "POST", name, "/start", NULL, reterr);
	if (code < 0) {
		/* A container that never ran is removed, so that the next try starts from
		 * nothing. */
		launch_discard(podman, name);
		code = launch_code_of_start(code, reterr->text);
	}
	return code;
}

int podman_launch(struct podman *podman, int handler, const char *name, struct json_object *create,
		  char ret_id[80], struct json_object **ret_inspect, struct error *reterr)
{
	const struct podman_request request = { .handler = handler,
						.method = "POST",
						.path = "/containers/create",
						.body = create,
						.timeout_ms = PODMAN_CREATE_MS };
	struct error error = { 0 };
	int code;

	podman_turn_begin(podman);
	code = podman_call(podman, &request, NULL, &error);
	/* A container of this name exists: launch_start_checked looks at it before it starts it. */
	if (code == 0 || code == -EEXIST || strstr(error.text, PODMAN_SAYS_NAME_TAKEN) != NULL) {
		code = launch_start_checked(podman, handler, name, ret_id, &error);
	}
	podman_turn_end(podman);
	if (code < 0) {
		return error_set(reterr, code, "%s", error.text);
	}
	return ret_inspect != NULL
		       ? podman_call_on(podman, -1, "GET", name, "/json", ret_inspect, reterr)
		       : 0;
}
