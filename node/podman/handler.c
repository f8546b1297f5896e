/* SPDX-License-Identifier: Apache-2.0 */
/* Which OCI runtimes work on this machine, found by running a container under each; the default one
 * and the pods' network. podman.c's checks and every start ask it first. */
#include "config.h"

#include "node/podman/podman-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"

/* ---- trials ---- */

static void handler_remove_trial(struct podman *podman, int handler, const char *name)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s" PODMAN_REMOVE, name);
	const struct podman_request request = {
		.handler = handler, .method = "DELETE", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	(void)podman_call(podman, &request, NULL, NULL);
}

static struct json_object *handler_trial_container(const struct podman *podman, const char *name)
{
	struct json_object *create = json_object_new_object(), *command = json_object_new_array(),
			   *network = json_object_new_object(), *log = json_object_new_object();
	struct json_object *labels = asb_object_in(create, "labels");
	CLEANUP_FREE char *root = xprintf("%s/pause", podman->state_dir);

	json_object_array_add(command, json_object_new_string("/pause"));
	json_object_array_add(command, json_object_new_string("-P"));
	asb_set_str(network, "nsmode", "none");
	asb_set_str(log, "driver", "none");
	asb_set_str(create, "name", name);
	asb_set_str(labels, LABEL_NODE, podman->label);
	asb_set_str(labels, LABEL_TRIAL, "true");
	asb_set_str(create, "rootfs", root);
	json_object_object_add(create, "command", command);
	json_object_object_add(create, "netns", network);
	json_object_object_add(create, "log_configuration", log);
	json_object_object_add(create, "r_limits", podman_rlimits());
	return create;
}

/* Removes the trials of a node that was killed during one. */
static void handler_remove_old_trials(struct podman *podman)
{
	CLEANUP_FREE char *filter = podman_filter(podman, NULL, NULL);
	CLEANUP_FREE char *path = xprintf("/containers/json%s", filter);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *entries = NULL;

	(void)podman_call(podman, &request, &entries, NULL);
	for (size_t i = 0; i < asb_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);
		const char *id = asb_str(entry, "Id");

		if (asb_str(entry, "Labels", LABEL_TRIAL) != NULL && podman_name_ok(id)) {
			handler_remove_trial(podman, -1, id);
		}
	}
}

/* Tries a handler: runs a container under it and removes it again. */
static int handler_try_handler(struct podman *podman, int handler, struct error *reterr)
{
	uint64_t random = sched_random(podman->sched);
	CLEANUP_FREE char *name = xprintf("asb-trial-%016llx", (unsigned long long)random);
	CLEANUP_JSON struct json_object *create = handler_trial_container(podman, name);
	char id[80];
	int code = podman_launch(podman, handler, name, create, id, NULL, reterr);

	handler_remove_trial(podman, handler, name);
	return code < 0 ? error_prefix(reterr, "no container runs under '%s'",
				       podman->services[handler].handler)
			: 0;
}

/* Podman hands runsc no flags, so it calls a wrapper. Without --network=host runsc takes the pod's
 * network for the machine's own and refuses; with it, it uses the sockets of the pod's network.
 * --ignore-cgroups: it knows neither hybrid cgroups nor Podman's directories. */
static int handler_write_wrapper(const char *path, const char *platform, struct error *reterr)
{
	CLEANUP_FREE char *runsc = podman_find("runsc");

	if (runsc == NULL) {
		return error_set(reterr, -EINVAL,
				 "no 'runsc' on PATH: install the package runsc for gVisor");
	}

	CLEANUP_FREE char *text = xprintf(
		"#!/bin/sh\nexec '%s' --platform=%s --network=host --ignore-cgroups \"$@\"\n",
		runsc, platform);

	return podman_write_file(path, text, strlen(text), 0755, reterr);
}

static int handler_try_runsc(struct podman *podman, struct error *reterr)
{
	static const char *const platforms[] = { "systrap", "ptrace" };
	CLEANUP_FREE char *path = xprintf("%s/runsc", podman->state_dir);
	int code;

	if (podman->platform != NULL) {
		code = handler_write_wrapper(path, podman->platform, reterr);
		return code < 0 ? code : handler_try_handler(podman, PODMAN_RUNSC, reterr);
	}
	/* The wrapper that worked before comes first: running containers use it. */
	code = access(path, X_OK) == 0 ? handler_try_handler(podman, PODMAN_RUNSC, NULL) : -ENOENT;
	for (size_t i = 0; code < 0 && i < ARRAY_LEN(platforms); i++) {
		code = handler_write_wrapper(path, platforms[i], reterr);
		if (code < 0) {
			return code;
		}
		code = handler_try_handler(podman, PODMAN_RUNSC, reterr);
	}
	if (code < 0) {
		(void)unlink(path);
	}
	return code;
}

static bool handler_is_proven(struct podman *podman, int handler)
{
	LOCKED(&podman->lock);
	return podman->services[handler].proven;
}

/* The lock of preparations is held. */
static int handler_prove(struct podman *podman, int handler, struct error *reterr)
{
	if (handler_is_proven(podman, handler)) {
		return 0;
	}

	CLEANUP_FREE char *binary = podman_find(podman->services[handler].handler);

	if (binary == NULL) {
		return error_set(reterr, -EINVAL, "no '%s' on PATH: install its package",
				 podman->services[handler].handler);
	}

	int code = handler == PODMAN_RUNSC ? handler_try_runsc(podman, reterr)
					   : handler_try_handler(podman, handler, reterr);

	if (code == 0) {
		LOCKED(&podman->lock);
		podman->services[handler].proven = true;
	}
	return code;
}

/* ---- the machine ---- */

static int handler_make_network(struct podman *podman, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/networks/%s/exists", podman->network);
	struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	int code = podman_call(podman, &request, NULL, reterr);

	if (code != -ENOENT) {
		return code;
	}

	CLEANUP_JSON struct json_object *create = json_object_new_object();

	asb_set_str(create, "name", podman->network);
	asb_set_str(create, "driver", "bridge");
	json_object_object_add(create, "dns_enabled", json_object_new_boolean(false));
	request.method = "POST";
	request.path = "/networks/create";
	request.body = create;
	code = podman_call(podman, &request, NULL, reterr);
	return code == -EEXIST ? 0
	       : code < 0 ? error_prefix(reterr, "cannot make the network '%s'", podman->network)
			  : 0;
}

/* Prefers crun, which is faster; with hybrid cgroups it does not work. */
static int handler_find_default(struct podman *podman, struct error *reterr)
{
	static const int order[] = { PODMAN_CRUN, PODMAN_RUNC };
	struct error errors[ARRAY_LEN(order)] = { 0 };
	int found = -1;

	if (podman->asked_handler != NULL) {
		found = podman_handler_index(podman->asked_handler);

		int code = handler_prove(podman, found, reterr);

		if (code < 0) {
			return code;
		}
	}
	for (size_t i = 0; found < 0 && i < ARRAY_LEN(order); i++) {
		if (handler_prove(podman, order[i], &errors[i]) == 0) {
			found = order[i];
		} else {
			podman_retire(podman, order[i]);
		}
	}
	if (found < 0) {
		return error_set(reterr, -EAGAIN, "%.240s; %.240s", errors[0].text, errors[1].text);
	}

	LOCKED(&podman->lock);
	podman->handler = found;
	return 0;
}

static int handler_prepare(struct podman *podman, struct error *reterr)
{
	int code =
		geteuid() == 0
			? 0
			: error_set(
				  reterr, -EINVAL,
				  "the addresses of a user's pods cannot be reached from the machine: the node must run as root");

	if (code == 0 && podman->binary == NULL) {
		code = error_set(reterr, -ENOENT, "no podman on PATH: install the package podman");
	}
	if (code == 0) {
		code = podman_write_files(podman, reterr);
	}
	if (code == 0) {
		code = handler_find_default(podman, reterr);
	}
	if (code == 0) {
		handler_remove_old_trials(podman);
	}
	return code == 0 ? handler_make_network(podman, reterr) : code;
}

/* One thread at a time prepares or tries a handler. */
static void handler_preparations_begin(struct podman *podman)
{
	LOCKED(&podman->lock);
	while (podman->preparing) {
		/* The thread that prepares has deadlines. */
		sched_cond_wait(&podman->wake, &podman->lock, SCHED_FOREVER);
	}
	podman->preparing = true;
}

static void handler_preparations_end(struct podman *podman)
{
	LOCKED(&podman->lock);
	podman->preparing = false;
	sched_cond_broadcast(&podman->wake);
}

static bool handler_is_ready(struct podman *podman)
{
	LOCKED(&podman->lock);
	return podman->ready;
}

int podman_prepare(struct podman *podman, struct error *reterr)
{
	int code = 0;

	if (handler_is_ready(podman)) {
		return 0;
	}
	handler_preparations_begin(podman);
	if (!handler_is_ready(podman)) {
		code = handler_prepare(podman, reterr);
		if (code == 0) {
			LOCKED(&podman->lock);
			podman->ready = true;
			podman->events_wanted = true;
			sched_cond_broadcast(&podman->wake);
		}
	}
	handler_preparations_end(podman);
	return code;
}

int podman_handler(struct podman *podman, const char *name, int *ret, struct error *reterr)
{
	int handler = name != NULL ? podman_handler_index(name) : -1;
	int code = podman_prepare(podman, reterr);

	if (code < 0) {
		return code;
	}
	if (name == NULL) {
		LOCKED(&podman->lock);
		*ret = podman->handler;
		return 0;
	}
	if (handler < 0) {
		return error_set(reterr, -EINVAL,
				 "no handler '%s': this node knows runc, crun and runsc", name);
	}
	if (!handler_is_proven(podman, handler)) {
		handler_preparations_begin(podman);
		code = handler_prove(podman, handler, reterr);
		handler_preparations_end(podman);
	}
	if (code == 0) {
		*ret = handler;
	}
	return code;
}
