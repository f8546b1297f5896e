/* SPDX-License-Identifier: Apache-2.0 */
/* What Podman's responses say of containers. list.c and pod.c read them with it. */
#include "config.h"

#include "node/podman/inspect.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "node/podman/podman-private.h"

#define KILLED 137 /* 128 + SIGKILL */

static char *inspect_copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* "stopped" is Podman's state of a container that has ended and is not cleaned up yet. */
static enum runtime_phase inspect_phase_of(const char *state)
{
	static const char *const running[] = { "running", "paused", "stopping" };
	static const char *const ended[] = { "exited", "stopped", "removing" };

	for (size_t i = 0; i < ARRAY_LEN(running); i++) {
		if (asb_streq(state, running[i])) {
			return RUNTIME_RUNNING;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
		if (asb_streq(state, ended[i])) {
			return RUNTIME_EXITED;
		}
	}
	return RUNTIME_CREATED;
}

/* Years before 1970 are Go's zero time. */
static int64_t inspect_time_of(const char *text)
{
	int64_t ms = 0;

	return asb_time_parse(text, &ms) && ms > 0 ? ms : 0;
}

static int64_t inspect_seconds_of(struct json_object *value)
{
	int64_t seconds = asb_int(value, 0);

	return seconds > 0 && seconds < INT64_MAX / 1000 ? seconds * 1000 : 0;
}

bool podman_read_entry(struct json_object *entry, struct runtime_status *ret)
{
	struct json_object *labels = asb_at(entry, "Labels");
	const char *id = asb_str(entry, "Id"), *uid = asb_str(labels, LABEL_UID);
	const char *attempt = asb_str(labels, LABEL_ATTEMPT);
	int64_t number = 0;

	if (id == NULL || uid == NULL || strlen(id) > 79) {
		return false;
	}
	if (attempt != NULL) {
		(void)integer_parse(attempt, 0, UINT32_MAX, &number);
	}
	*ret = (struct runtime_status){
		.id = xstrdup(id),
		.pod_uid = xstrdup(uid),
		.pod_ns = inspect_copy(asb_str(labels, LABEL_NS)),
		.pod_name = inspect_copy(asb_str(labels, LABEL_POD)),
		.name = inspect_copy(asb_str(labels, LABEL_CONTAINER)),
		.attempt = (uint32_t)number,
		.phase = inspect_phase_of(asb_str(entry, "State")),
		.handler = inspect_copy(asb_str(labels, LABEL_HANDLER)),
		.image = inspect_copy(asb_str(entry, "Image")),
		.image_id = inspect_copy(asb_str(entry, "ImageID")),
		.created_ms = inspect_time_of(asb_str(entry, "Created")),
		.started_ms = inspect_seconds_of(asb_at(entry, "StartedAt")),
	};
	if (ret->phase == RUNTIME_EXITED) {
		ret->exit_code = (int)asb_int(asb_at(entry, "ExitCode"), 0);
		ret->finished_ms = inspect_seconds_of(asb_at(entry, "ExitedAt"));
	}
	return true;
}

void podman_read_state(struct json_object *inspect, bool stopped, struct runtime_status *status)
{
	struct json_object *state = asb_at(inspect, "State");
	const char *handler = asb_str(inspect, "OCIRuntime");
	int64_t started = inspect_time_of(asb_str(state, "StartedAt"));

	if (started > 0) {
		status->started_ms = started;
	}
	if (handler != NULL) {
		free(status->handler);
		status->handler = xstrdup(handler);
	}
	if (status->phase != RUNTIME_EXITED) {
		return;
	}

	int64_t finished = inspect_time_of(asb_str(state, "FinishedAt"));
	/* runsc enforces no limits here, and processes inside can kill the first process. */
	bool limited = asb_int(asb_at(inspect, "HostConfig", "Memory"), 0) > 0 &&
		       !asb_streq(handler, "runsc");

	if (finished > 0) {
		status->finished_ms = finished;
	}
	status->exit_code = (int)asb_int(asb_at(state, "ExitCode"), status->exit_code);
	status->oom_killed = asb_true(asb_at(state, "OOMKilled")) ||
			     (status->exit_code == KILLED && limited && !stopped);
}

bool podman_read_ip(struct json_object *inspect, const char *network, char ret[64])
{
	const char *ip = asb_str(inspect, "NetworkSettings", "Networks", network, "IPAddress");

	if (ip == NULL || ip[0] == '\0' || strlen(ip) >= 64) {
		return false;
	}
	snprintf(ret, 64, "%s", ip);
	return true;
}
