/* SPDX-License-Identifier: Apache-2.0 */
/* Starts one container: image, environment, mounts, runtime; and says why when it cannot. Called
 * by node/pod/run.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "node/env/env.h"
#include "node/pod/pod-private.h"
#include "node/pod/security.h"
#include "node/pod/spec.h"

#define CONFIG_AGAIN_MS 2000 /* a config map may be created at any time */
#define PULL_AGAIN_MS 10000  /* should the pull's end be missed */
#define NOTES_MAX 4096
#define MESSAGE_PATH "/dev/termination-log"

/* What the start of a container needs, freed by start_parts_finish. */
struct start_parts {
	char **env, **command, **args;
	char *seccomp, *message_file;
	struct pod_strings strings;
	struct runtime_mount *mounts; /* of volumes.h */
	size_t mount_count;
	struct runtime_mount *all; /* those and the termination message */
};

static void start_parts_finish(struct start_parts *parts)
{
	strings_finish(parts->env);
	strings_finish(parts->command);
	strings_finish(parts->args);
	mounts_finish(parts->mounts, parts->mount_count);
	pod_strings_finish(&parts->strings);
	free(parts->seccomp);
	free(parts->message_file);
	free(parts->all);
}

static void start_set_waiting(struct pod_call *pc, size_t number, const char *reason,
			      const char *message, int64_t again_ms)
{
	struct container_record *past = &pc->record->containers[number];

	snprintf(past->reason, sizeof(past->reason), "%s", reason);
	snprintf(past->message, sizeof(past->message), "%.*s",
		 (int)utf8_cut(message, sizeof(past->message) - 1), message);
	past->retry_ms = again_ms > 0 ? pc->view.now_ms + again_ms : 0;
	pod_requeue_after(pc, again_ms);
}

/* ---- the image ---- */

static void start_image_failed(struct pod_call *pc, size_t number, const char *image,
			       const struct image_response *response)
{
	struct container_record *past = &pc->record->containers[number];
	char message[sizeof(past->message)];

	if (response->code == -EINVAL) {
		start_set_waiting(pc, number, "InvalidImageName", response->text, BACKOFF_MAX_MS);
		return;
	}
	if (past->image_failure != response->failure) {
		past->image_failure = response->failure;
		pod_event(pc, "Warning", "Failed", "Failed to pull image \"%s\": %s", image,
			  response->text);
		pod_event(pc, "Warning", "Failed", "Error: ErrImagePull");
		/* Reconciled again soon, so that the status becomes ImagePullBackOff. */
		start_set_waiting(pc, number, "ErrImagePull", response->text, CONFIG_AGAIN_MS);
		return;
	}
	snprintf(message, sizeof(message), "Back-off pulling image \"%.200s\": %.250s", image,
		 response->text);
	pod_event(pc, "Normal", "BackOff", "Back-off pulling image \"%s\"", image);
	pod_event(pc, "Warning", "Failed", "Error: ImagePullBackOff");
	start_set_waiting(pc, number, "ImagePullBackOff", message, response->left_ms);
}

static bool start_pull_image(struct pod_call *pc, size_t number, const char *image,
			     enum runtime_pull policy)
{
	struct image_response response;

	images_ask(pc->node->images, image, policy, asb_uid(pc->pod), &response);
	switch (response.state) {
	case IMAGE_PULLING:
		if (response.began) {
			pod_event(pc, "Normal", "Pulling", "Pulling image \"%s\"", image);
		}
		pod_requeue_after(pc, PULL_AGAIN_MS);
		return false;
	case IMAGE_FAILED:
		start_image_failed(pc, number, image, &response);
		return false;
	case IMAGE_SKIPPED:
		pod_event(pc, "Normal", "PullSkipped", "%s", response.text);
		return true;
	case IMAGE_PULLED:
		pod_event(pc, "Normal", "Pulled", "Successfully pulled image \"%s\" in %lldms",
			  image, (long long)response.took_ms);
		return true;
	default:
		pod_event(pc, "Normal", "Pulled",
			  "Container image \"%s\" already present on machine", image);
		return true;
	}
}

/* One try to find the image here, which costs no network. */
static bool start_have_image(struct pod_call *pc, size_t number, const char *image,
			     const char *policy_name)
{
	enum runtime_pull policy = image_policy(policy_name, image);
	struct runtime *runtime = pc->node->runtime;
	CLEANUP_BUF struct buf note = BUF_INIT(NOTES_MAX);
	enum runtime_image what = RUNTIME_IMAGE_PRESENT;
	struct error error = { 0 };
	int code;

	if (policy == RUNTIME_PULL_ALWAYS) {
		return start_pull_image(pc, number, image, policy);
	}
	code = runtime->ops->ensure_image(runtime, image, RUNTIME_PULL_NEVER, &what, &note, &error);
	if (code == 0) {
		pod_event(pc, "Normal", "Pulled",
			  "Container image \"%s\" already present on machine", image);
		return true;
	}
	if (code == -EINVAL) {
		pod_event(pc, "Warning", "InspectFailed",
			  "Failed to apply default image tag \"%s\": %s", image, error.text);
		start_set_waiting(pc, number, "InvalidImageName", error.text, BACKOFF_MAX_MS);
		return false;
	}
	if (policy == RUNTIME_PULL_NEVER) {
		pod_event(pc, "Warning", "ErrImageNeverPull",
			  "Container image \"%s\" is not present with pull policy of Never", image);
		start_set_waiting(pc, number, "ErrImageNeverPull", error.text, BACKOFF_FIRST_MS);
		return false;
	}
	return start_pull_image(pc, number, image, policy);
}

/* ---- environment and mounts ---- */

static bool start_config_failed(struct pod_call *pc, size_t number, const struct error *error)
{
	/* It is tried every two seconds, and only a new error gets an event. */
	if (strcmp(pc->record->containers[number].message, error->text) == 0) {
		start_set_waiting(pc, number, "CreateContainerConfigError", error->text,
				  CONFIG_AGAIN_MS);
		return false;
	}
	pod_event(pc, "Warning", "Failed", "Error: %s", error->text);
	start_set_waiting(pc, number, "CreateContainerConfigError", error->text, CONFIG_AGAIN_MS);
	return false;
}

/* The mounts of volumes, and the file for the termination message. */
static void start_add_message(struct pod_call *pc, const struct container_view *container,
			      struct start_parts *parts)
{
	const char *path = asb_str(container->spec, "terminationMessagePath");

	parts->all = xnew_array(struct runtime_mount, parts->mount_count + 1);
	if (parts->mount_count > 0) {
		memcpy(parts->all, parts->mounts, parts->mount_count * sizeof(*parts->all));
	}
	parts->message_file =
		message_make(pc->node->options->state_dir, asb_uid(pc->pod), container->name,
			     container->next, pc->node->runtime->mounts);
	if (parts->message_file == NULL) {
		pod_event(
			pc, "Warning", "FailedMount",
			"container %s: cannot make the file for its termination message, going on: %s",
			container->name, strerror(errno));
		return;
	}
	parts->all[parts->mount_count] = (struct runtime_mount){
		.source = parts->message_file,
		.target = path != NULL && *path != '\0' ? path : MESSAGE_PATH,
	};
}

static bool start_make_parts(struct pod_call *pc, size_t number, struct start_parts *parts)
{
	const struct container_view *container = &pc->view.containers[number];
	const struct runtime_status *sandbox = pc->view.sandbox;
	bool host_network = asb_true(asb_at(pc->pod, "spec", "hostNetwork"));
	struct env_facts facts = {
		.pod_ip = host_network || sandbox == NULL ? pc->node->host_ip : sandbox->ip,
		.host_ip = pc->node->host_ip,
		.node_name = pc->node->name,
	};
	struct error error = { 0 };

	if (env_make(pc->pod, container->spec, &facts, &pc->node->source, &parts->env, &error) <
	    0) {
		return start_config_failed(pc, number, &error);
	}
	if (volumes_mounts(&pc->volumes, container->spec, (const char *const *)parts->env,
			   &parts->mounts, &parts->mount_count, &error) < 0) {
		return start_config_failed(pc, number, &error);
	}
	if (seccomp_read(pc->node->options->state_dir, pc->pod, container->spec, &parts->seccomp,
			 &error) < 0) {
		return start_config_failed(pc, number, &error);
	}
	parts->command =
		env_expand(asb_at(container->spec, "command"), (const char *const *)parts->env);
	parts->args = env_expand(asb_at(container->spec, "args"), (const char *const *)parts->env);
	start_add_message(pc, container, parts);
	return true;
}

/* ---- starting ---- */

static void start_report_notes(struct pod_call *pc, const struct container_view *container,
			       struct buf *notes)
{
	char *rest = notes->length > 0 ? notes->data : NULL;

	while (rest != NULL && *rest != '\0') {
		char *end = strchr(rest, '\n');

		if (end != NULL) {
			*end = '\0';
		}
		if (*rest != '\0') {
			pod_event(pc, "Warning", "NotSupported", "container %s: %s",
				  container->name, rest);
		}
		rest = end != NULL ? end + 1 : NULL;
	}
}

static void start_succeeded(struct pod_call *pc, size_t number, const char *id)
{
	const struct container_view *container = &pc->view.containers[number];
	struct container_record *past = &pc->record->containers[number];

	past->reason[0] = past->message[0] = '\0';
	past->retry_ms = 0;
	past->quick_tries = 0;
	past->image_failure = 0;
	if (container->next > 0) {
		backoff_try(&past->backoff, pc->view.now_ms);
	}
	pod_event(pc, "Normal", "Created", "Created container: %s", container->name);
	pod_event(pc, "Normal", "Started", "Started container %s", container->name);
	pod_run_post_start(pc, number, id);
}

static void start_failed(struct pod_call *pc, size_t number, int code, const struct error *error)
{
	struct container_record *past = &pc->record->containers[number];

	if (code == -EAGAIN && past->quick_tries++ < QUICK_TRIES) {
		pod_requeue_after(pc, QUICK_TRY_MS);
		return;
	}
	if (code == -EPERM) {
		start_config_failed(pc, number, error);
		return;
	}
	backoff_try(&past->backoff, pc->view.now_ms);
	pod_event(pc, "Warning", "Failed", "Error: %s", error->text);
	start_set_waiting(pc, number, "RunContainerError", error->text, past->backoff.delay_ms);
}

static bool start(struct pod_call *pc, size_t number, struct start_parts *parts)
{
	const struct container_view *container = &pc->view.containers[number];
	CLEANUP_BUF struct buf notes = BUF_INIT(NOTES_MAX);
	struct container_spec spec;
	struct error error = { 0 };
	struct runtime_pod pod;
	char id[80];
	int code;

	if (!start_make_parts(pc, number, parts) || !pod_describe(pc, &pod, &parts->strings)) {
		return false;
	}
	container_spec_make(pc->pod, container->spec, &spec);
	spec.container.attempt = container->next;
	spec.container.init = container->init && !container->sidecar;
	spec.container.env = (const char *const *)parts->env;
	spec.container.command = (const char *const *)parts->command;
	spec.container.args = (const char *const *)parts->args;
	spec.container.sysctls = (const char *const *)parts->strings.container_sysctls;
	spec.container.seccomp = parts->seccomp;
	spec.container.mounts = parts->all;
	spec.container.mount_count = parts->mount_count + (parts->message_file != NULL ? 1 : 0);
	code = pc->node->runtime->ops->start_container(pc->node->runtime, &pod, &spec.container, id,
						       &notes, &error);
	start_report_notes(pc, container, &notes);
	if (code < 0) {
		start_failed(pc, number, code, &error);
		return false;
	}
	start_succeeded(pc, number, id);
	return true;
}

bool pod_start_container(struct pod_call *pc, size_t number)
{
	const struct container_view *container = &pc->view.containers[number];
	const char *image = asb_str(container->spec, "image");
	struct start_parts parts = { 0 };
	bool done;

	/* No program and no path can have one: it would start with other arguments, or mount another
	 * path, than the pod names. */
	if (json_any_nul(asb_at(pc->pod, "spec"))) {
		struct error error = { 0 };

		error_set(
			&error, -EINVAL,
			"the pod's spec has a string with a NUL (U+0000): make the pod without it");
		return start_config_failed(pc, number, &error);
	}
	if (!pod_make_volumes(pc) ||
	    !start_have_image(pc, number, image != NULL ? image : "",
			      asb_str(container->spec, "imagePullPolicy"))) {
		return false;
	}
	done = start(pc, number, &parts);
	start_parts_finish(&parts);
	return done;
}
