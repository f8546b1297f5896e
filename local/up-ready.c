/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until node, controller and router say that they are ready, and tells people how far it is.
 * Called by local/up.c after it has started them. */
#include "config.h"

#include "local/up-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "local/api-client.h"
#include "local/probe.h"

#define READY_US 120000000u  /* Podman's first start on a slow disk */
#define IMAGE_US 1800000000u /* a base that is made of packages, over a slow line */
#define LOOK_MS 25
#define PEEK_MS 1000
#define PROGRESS_US 5000000u
#define GIVES_UP 3u /* restarts of a child that was never ready */
#define NODES "/api/v1/nodes"

/* ---- what an earlier run left ---- */

static void forget_node(struct api *api)
{
	static const char unknown[] =
		"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\",\"reason\":\"NodeStatusUnknown\",\"message\":\"The node has not been heard of since the start.\"}]}}";

	(void)ask_text(api, "PATCH", NODES "/" UP_NODE_NAME "/status",
		       "application/strategic-merge-patch+json", unknown, NULL);
}

static void forget_pod(struct api *api, struct json_object *pod)
{
	static const char not_ready[] =
		"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"},{\"type\":\"ContainersReady\",\"status\":\"False\"}]}}";

	if (asb_streq(asb_str(pod, "spec", "nodeName"), UP_NODE_NAME) &&
	    asb_condition_is(pod, "Ready", "True")) {
		CLEANUP_FREE char *path =
			xprintf("/api/v1/namespaces/%s/pods/%s/status", asb_ns(pod), asb_name(pod));

		(void)ask_text(api, "PATCH", path, "application/strategic-merge-patch+json",
			       not_ready, NULL);
	}
}

void ready_forget(struct up *up)
{
	CLEANUP_JSON struct json_object *list = NULL;

	forget_node(up->serving.api);
	if (ask(up->serving.api, "GET", "/api/v1/pods", NULL, NULL, &list) != 200) {
		return;
	}

	struct json_object *items = asb_array(list, "items");

	for (size_t i = 0; i < asb_length(items); i++) {
		forget_pod(up->serving.api, json_object_array_get_idx(items, i));
	}
}

/* ---- each of them ---- */

/* 1: ready; 0: not yet; a negative code: it says why it cannot be. */
static int look_at_node(struct up *up, struct error *reterr)
{
	CLEANUP_JSON struct json_object *node = NULL;
	int status = ask(up->serving.api, "GET", NODES "/" UP_NODE_NAME, NULL, NULL, &node);

	if (status == 200 && asb_condition_is(node, "Ready", "True")) {
		return 1;
	}
	if (status == 200 && asb_condition_is(node, "Ready", "False")) {
		const char *why = asb_str(asb_condition(node, "Ready"), "message");

		return error_set(
			reterr, -ENOTSUP, "no pods can be run with --pods %s: %s%s",
			up->options->pods, why != NULL ? why : "",
			strcmp(up->options->pods, "podman") == 0
				? " (without Podman there are --pods process, where nothing is isolated, and --pods fake, where nothing runs)"
				: "");
	}
	return 0;
}

static bool responses(uint16_t port)
{
	return port != 0 && peek(port, "", "/readyz", PEEK_MS, NULL) == 200;
}

bool ready_router(const struct up *up)
{
	return supervisor_pid(up->supervisor, ROUTER) != 0 && responses(up->router_health);
}

static int check_child(const struct up *up, const char *name, struct error *reterr)
{
	return supervisor_restarts(up->supervisor, name) < GIVES_UP
		       ? 0
		       : error_set(reterr, -ECHILD,
				   "the %s does not stay up: the end of '%s/%s.log' tells why",
				   name, up->serving.state_dir, name);
}

/* 1: all is ready. */
static int look(struct up *up, struct error *reterr)
{
	int code = look_at_node(up, reterr);

	if (code >= 0 && check_child(up, NODE, reterr) < 0) {
		code = -ECHILD;
	}
	if (code >= 0 && check_child(up, CONTROLLER, reterr) < 0) {
		code = -ECHILD;
	}
	if (code < 1) {
		return code;
	}
	if (!responses(up->controller_health)) {
		return 0;
	}
	/* Sandboxes work without the router: it is told, not fatal. */
	if (up->router && check_child(up, ROUTER, NULL) < 0) {
		return 1;
	}
	return !up->router || ready_router(up) ? 1 : 0;
}

/* ---- the first image ---- */

/* The last line of its log, as far as it fits. */
static void last_line(const struct up *up, char *text, size_t size)
{
	CLEANUP_FREE char *path = xprintf("%s/" FIRST_IMAGE ".log", up->serving.state_dir);
	char piece[512] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat info;

	*text = '\0';
	if (fd < 0) {
		return;
	}
	if (fstat(fd, &info) == 0) {
		off_t from = info.st_size > (off_t)sizeof(piece) - 1
				     ? info.st_size - (off_t)sizeof(piece) + 1
				     : 0;
		ssize_t got = pread(fd, piece, sizeof(piece) - 1, from);

		piece[got > 0 ? got : 0] = '\0';
	}
	close(fd);
	for (size_t end = strlen(piece); end > 0 && piece[end - 1] == '\n'; end--) {
		piece[end - 1] = '\0';
	}

	const char *line = strrchr(piece, '\n');

	snprintf(text, size, "%s", line != NULL ? line + 1 : piece);
}

/* 1: there is nothing (more) to wait for. */
static int look_at_image(struct up *up, struct error *reterr)
{
	CLEANUP_FREE char *made = xprintf("%s/first-image.made", up->serving.state_dir);
	char line[200];
	int status;

	if (!supervisor_ended(up->supervisor, FIRST_IMAGE, &status)) {
		return supervisor_pid(up->supervisor, FIRST_IMAGE) != 0 ? 0 : 1;
	}
	last_line(up, line, sizeof(line));
	if (status != 0) {
		return error_set(
			reterr, -EIO,
			"'%s' (--first-image) failed with status %d: %s (all of it: %s/" FIRST_IMAGE
			".log)",
			up->options->first_image, status, line, up->serving.state_dir);
	}

	int fd = open(made, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
	}
	return 1;
}

static void tell_progress(struct up *up, bool image, uint64_t now)
{
	unsigned int seconds = (unsigned int)((now - up->started_us) / 1000000);
	char line[200];

	if (!image) {
		printf("... %3u s  waiting for %s\n", seconds,
		       supervisor_pid(up->supervisor, NODE) != 0
			       ? "the node, the controller or the router to be ready"
			       : "the node to start");
	} else {
		last_line(up, line, sizeof(line));
		printf("... %3u s  first image: %s\n", seconds,
		       *line != '\0' ? line : up->options->first_image);
	}
	fflush(stdout);
}

/* ---- waiting ---- */

/* True: a signal came. */
static bool pause_a_little(struct up *up)
{
	struct pollfd fds[1 + SUPERVISE_MAX] = { { .fd = up->signals, .events = POLLIN } };
	int due = supervisor_look(up->supervisor);
	size_t count = supervisor_polls(up->supervisor, fds + 1);

	return poll(fds, 1 + count, due < LOOK_MS ? due : LOOK_MS) > 0 && fds[0].revents != 0;
}

/* 1 of what: it is so; 0: a signal came; a negative code: it will not be. */
static int wait_until(struct up *up, int (*what)(struct up *up, struct error *reterr),
		      uint64_t limit_us, bool image, struct error *reterr)
{
	struct sched *sched = up->serving.sched;
	uint64_t now = sched_now_us(sched), deadline = now + limit_us, told = now;

	for (;;) {
		int code = what(up, reterr);

		if (code != 0) {
			return code;
		}
		now = sched_now_us(sched);
		if (now >= deadline) {
			return error_set(reterr, -ETIMEDOUT,
					 "not ready after %u s: see the logs in '%s'",
					 (unsigned int)(limit_us / 1000000), up->serving.state_dir);
		}
		if (now - told >= PROGRESS_US) {
			tell_progress(up, image, now);
			told = now;
		}
		if (pause_a_little(up)) {
			return 0;
		}
	}
}

int ready_wait(struct up *up, struct error *reterr)
{
	int code = wait_until(up, look, READY_US, false, reterr);

	if (code == 1) {
		code = wait_until(up, look_at_image, IMAGE_US, true, reterr);
	}
	return code < 0 ? code : !code;
}
