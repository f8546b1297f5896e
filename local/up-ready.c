/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until node, controller and router are ready, and prints the progress. Called by local/up.c
 * after it has started them. */
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

#define READY_US 120000000u  /* the first start of Podman on a slow disk */
#define IMAGE_US 1800000000u /* an image made of packages, over a slow network */
#define CHECK_MS 25
#define PROBE_MS 1000
#define PROGRESS_US 5000000u
#define RESTARTS_MAX 3u /* of a child process that was never ready */
#define NODES "/api/v1/nodes"

extern const char local_node_unknown[], local_pod_not_ready[]; /* made by scripts/embed.sh */

/* ---- the objects of an earlier run ---- */

static void ready_patch_status(struct api *api, const char *path, const char *patch)
{
	static const struct template_value none[] = { { NULL, NULL } };

	(void)api_client_call_template(api, "PATCH", path, "application/strategic-merge-patch+json",
				       patch, none, NULL);
}

static void ready_forget_pod(struct api *api, struct json_object *pod)
{
	if (asb_streq(asb_str(pod, "spec", "nodeName"), UP_NODE_NAME) &&
	    asb_condition_is(pod, "Ready", "True")) {
		CLEANUP_FREE char *path =
			xprintf("/api/v1/namespaces/%s/pods/%s/status", asb_ns(pod), asb_name(pod));

		ready_patch_status(api, path, local_pod_not_ready);
	}
}

void ready_forget(struct up *up)
{
	CLEANUP_JSON struct json_object *list = NULL;

	ready_patch_status(up->serving.api, NODES "/" UP_NODE_NAME "/status", local_node_unknown);
	if (api_client_call(up->serving.api, "GET", "/api/v1/pods", NULL, NULL, &list) != 200) {
		return;
	}

	struct json_object *items = asb_array(list, "items");

	for (size_t i = 0; i < asb_length(items); i++) {
		ready_forget_pod(up->serving.api, json_object_array_get_idx(items, i));
	}
}

/* ---- the child processes ---- */

/* 1: the node is ready. 0: not yet. A negative code: it has reported why it cannot be. */
static int ready_check_node(struct up *up, struct error *reterr)
{
	CLEANUP_JSON struct json_object *node = NULL;
	int status =
		api_client_call(up->serving.api, "GET", NODES "/" UP_NODE_NAME, NULL, NULL, &node);

	if (status == 200 && asb_condition_is(node, "Ready", "True")) {
		return 1;
	}
	if (status == 200 && asb_condition_is(node, "Ready", "False")) {
		const char *why = asb_str(asb_condition(node, "Ready"), "message");

		return error_set(
			reterr, -ENOTSUP, "the node cannot run pods with --pods %s: %s%s",
			up->options->pods, why != NULL ? why : "",
			strcmp(up->options->pods, "podman") == 0
				? " (without Podman use --pods process, where nothing is isolated, or --pods fake, where nothing runs)"
				: "");
	}
	return 0;
}

static bool ready_probe(uint16_t port)
{
	return port != 0 && probe_get(port, "", "/readyz", PROBE_MS, NULL) == 200;
}

bool ready_router(const struct up *up)
{
	return supervisor_pid(up->supervisor, ROUTER) != 0 && ready_probe(up->router_health);
}

static int ready_check_child(const struct up *up, const char *name, struct error *reterr)
{
	return supervisor_restarts(up->supervisor, name) < RESTARTS_MAX
		       ? 0
		       : error_set(reterr, -ECHILD,
				   "the %s does not stay up: see the end of '%s/%s.log'", name,
				   up->serving.state_dir, name);
}

/* 1: everything is ready. 0: not yet. */
static int ready_check_all(struct up *up, struct error *reterr)
{
	int code = ready_check_node(up, reterr);

	if (code >= 0 && ready_check_child(up, NODE, reterr) < 0) {
		code = -ECHILD;
	}
	if (code >= 0 && ready_check_child(up, CONTROLLER, reterr) < 0) {
		code = -ECHILD;
	}
	if (code < 1) {
		return code;
	}
	if (!ready_probe(up->controller_health)) {
		return 0;
	}
	/* Sandboxes work without the router, so this is reported but is no error. */
	if (up->router && ready_check_child(up, ROUTER, NULL) < 0) {
		return 1;
	}
	return !up->router || ready_router(up) ? 1 : 0;
}

/* ---- the first image ---- */

/* Copies the last line of the log of the first image, cut to `size`. */
static void ready_last_log_line(const struct up *up, char *text, size_t size)
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

/* 1: the image is made, or there is none to make. 0: not yet. */
static int ready_check_image(struct up *up, struct error *reterr)
{
	CLEANUP_FREE char *made = xprintf("%s/first-image.made", up->serving.state_dir);
	char line[200];
	int status;

	if (!supervisor_ended(up->supervisor, FIRST_IMAGE, &status)) {
		return supervisor_pid(up->supervisor, FIRST_IMAGE) != 0 ? 0 : 1;
	}
	ready_last_log_line(up, line, sizeof(line));
	if (status != 0) {
		return error_set(
			reterr, -EIO,
			"'%s' (--first-image) failed with status %d: %s (the whole log is %s/" FIRST_IMAGE
			".log)",
			up->options->first_image, status, line, up->serving.state_dir);
	}

	int fd = open(made, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
	}
	return 1;
}

static void ready_print_progress(struct up *up, bool image, uint64_t now)
{
	unsigned int seconds = (unsigned int)((now - up->started_us) / 1000000);
	char line[200];

	if (!image) {
		printf("... %3u s  waiting for %s\n", seconds,
		       supervisor_pid(up->supervisor, NODE) != 0
			       ? "the node, the controller or the router to be ready"
			       : "the node to start");
	} else {
		ready_last_log_line(up, line, sizeof(line));
		printf("... %3u s  first image: %s\n", seconds,
		       *line != '\0' ? line : up->options->first_image);
	}
	fflush(stdout);
}

/* ---- waiting ---- */

/* Waits for a short time. True: a signal came. */
static bool ready_pause(struct up *up)
{
	struct pollfd fds[1 + SUPERVISE_MAX] = { { .fd = up->signals, .events = POLLIN } };
	int due = supervisor_step(up->supervisor);
	size_t count = supervisor_polls(up->supervisor, fds + 1);

	return poll(fds, 1 + count, due < CHECK_MS ? due : CHECK_MS) > 0 && fds[0].revents != 0;
}

/* Calls `what` until it returns something other than 0, and returns that. 0: a signal came
 * first. */
static int ready_wait_until(struct up *up, int (*what)(struct up *up, struct error *reterr),
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
					 "local mode is not ready after %u s: see the logs in '%s'",
					 (unsigned int)(limit_us / 1000000), up->serving.state_dir);
		}
		if (now - told >= PROGRESS_US) {
			ready_print_progress(up, image, now);
			told = now;
		}
		if (ready_pause(up)) {
			return 0;
		}
	}
}

int ready_wait(struct up *up, struct error *reterr)
{
	int code = ready_wait_until(up, ready_check_all, READY_US, false, reterr);

	if (code == 1) {
		code = ready_wait_until(up, ready_check_image, IMAGE_US, true, reterr);
	}
	return code < 0 ? code : !code;
}
