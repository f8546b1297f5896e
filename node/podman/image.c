/* SPDX-License-Identifier: Apache-2.0 */
/* Images: which are present, pulls, and how long a registry may be silent. The node asks
 * through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "net/curl-transport.h"
#include "node/podman/podman-private.h"
#include "node/podman/reference.h"

#define PRESENT_WAIT_US 5000000u                   /* for a registry, where the image is here */
#define ABSENT_WAIT_US 10000000u                   /* where it is not */
#define PULL_WAIT_US (30 * 60 * UINT64_C(1000000)) /* for all of an image's layers */
#define PULL_IDLE_MS 600000u /* one layer, of which Podman reports nothing until it is complete */
#define MESSAGE_MAX 160      /* characters of Podman's message in an error: its end says most */
#define PULL_TEXT_MAX (1u << 20)

static bool image_is_here(struct podman *podman, const char *name)
{
	CLEANUP_FREE char *path = xprintf("/images/%s/exists", name);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};

	return podman_call(podman, &request, NULL, NULL) == 0;
}

char *podman_image_here(struct podman *podman, const char *image, struct error *reterr)
{
	char *names[2] = { NULL, NULL }, *found = NULL;
	size_t count;

	if (!reference_ok(image)) {
		error_set(reterr, -EINVAL, "'%.300s' is not a valid image name", image);
		return NULL;
	}
	count = reference_candidates(image, names);
	for (size_t i = 0; i < count; i++) {
		if (found == NULL && image_is_here(podman, names[i])) {
			found = TAKE(names[i]);
		}
		free(names[i]);
	}
	if (found == NULL) {
		error_set(reterr, -ENOENT, "the image '%s' is not here", image);
	}
	return found;
}

/* ---- pull ---- */

/* A pull on a transport of its own, which a second thread stops when the registry is silent. */
struct pull {
	struct podman *podman;
	struct transport *transport;
	struct sched_mutex lock;
	struct sched_cond changed;
	uint64_t deadline_us; /* lock */
	bool over, late;      /* lock */
	struct buf text;      /* the reader's: lines of JSON */
};

static void image_watch_pull(void *arg)
{
	struct pull *pull = arg;

	LOCKED(&pull->lock);
	while (!pull->over && !pull->late) {
		if (sched_now_us(pull->podman->sched) >= pull->deadline_us) {
			pull->late = true;
			pull->transport->ops->stop(pull->transport);
		} else {
			sched_cond_wait(&pull->changed, &pull->lock, pull->deadline_us);
		}
	}
}

/* Podman 4.3.1 sends "Getting image source signatures" as the first line after the registry has
 * answered. */
#define PODMAN_SAYS_REGISTRY_ANSWERED "Getting image"

/* Collects the lines of a pull. Once the registry has answered, the layers get a longer
 * deadline. */
static int image_on_bytes(void *arg, const char *data, size_t length)
{
	struct pull *pull = arg;

	if (buf_append(&pull->text, data, length) < 0) {
		return -1;
	}
	if (strstr(buf_str(&pull->text), PODMAN_SAYS_REGISTRY_ANSWERED) != NULL) {
		LOCKED(&pull->lock);
		pull->deadline_us = sched_now_us(pull->podman->sched) + PULL_WAIT_US;
	}
	return 0;
}

static int image_say_failed(const char *name, const char *words, struct error *reterr)
{
	size_t length = strlen(words);
	const char *from = length > MESSAGE_MAX ? words + length - MESSAGE_MAX : words;

	return error_set(reterr, -ENOENT, "cannot pull '%s': %s%.*s", name,
			 from != words ? "..." : "", (int)strcspn(from, "\n"), from);
}

/* Reads the result from the last line: an id, or an error. */
static int image_read_outcome(struct pull *pull, const struct http_response *response,
			      const char *name, struct error *reterr)
{
	struct error error = { 0 };
	const char *text = buf_str(&pull->text);

	if (pull->late) {
		return image_say_failed(name, "no registry responds", reterr);
	}
	if (podman_result(response, NULL, &error) < 0) {
		return image_say_failed(name, error.text, reterr);
	}
	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
		CLEANUP_JSON struct json_object *line = json_parse(text, strcspn(text, "\n"), NULL);

		if (asb_str(line, "error") != NULL) {
			return image_say_failed(name, asb_str(line, "error"), reterr);
		}
		if (asb_length(asb_at(line, "images")) > 0) {
			return 0;
		}
	}
	return image_say_failed(name, "podman ended the pull without a result", reterr);
}

static void image_run_pull(struct pull *pull, const char *name, struct http_response *response)
{
	CLEANUP_BUF struct buf path = BUF_INIT(4096);
	struct sched_thread *watchdog =
		sched_start(pull->podman->sched, "podman-pull", image_watch_pull, pull);

	buf_append_str(&path, PODMAN_API "/images/pull?reference=");
	podman_escape(&path, name);

	const struct http_request request = { .method = "POST",
					      .path = buf_str(&path),
					      .timeout_ms = PODMAN_CALL_MS };

	pull->transport->ops->stream(pull->transport, &request, PULL_IDLE_MS, image_on_bytes, pull,
				     response);
	{
		LOCKED(&pull->lock);
		pull->over = true;
		sched_cond_signal(&pull->changed);
	}
	sched_join(watchdog);
}

static int image_pull(struct podman *podman, const char *name, uint64_t wait_us,
		      struct error *reterr)
{
	int handler = podman_main(podman);
	const struct curl_transport_config config = {
		.server = "http://podman",
		.user_agent = "agent-sandbox",
		.unix_socket = podman->services[handler].socket,
		.connections = 1,
	};
	struct pull pull = { .podman = podman, .text = BUF_INIT(PULL_TEXT_MAX) };
	struct http_response response;

	(void)podman_transport(podman, handler);
	pull.transport = curl_transport_create(podman->sched, &config, reterr);
	if (pull.transport == NULL) {
		return -EAGAIN;
	}
	pull.deadline_us = sched_now_us(podman->sched) + wait_us;
	sched_mutex_init(&pull.lock, podman->sched);
	sched_cond_init(&pull.changed, podman->sched);
	image_run_pull(&pull, name, &response);

	int code = image_read_outcome(&pull, &response, name, reterr);

	http_response_finish(&response);
	curl_transport_destroy(pull.transport);
	buf_finish(&pull.text);
	sched_cond_finish(&pull.changed);
	sched_mutex_finish(&pull.lock);
	return code;
}

/* The name a registry knows it by. */
static char *image_remote_name(const char *image)
{
	char *names[2];
	size_t count = reference_candidates(image, names);

	if (count == 2) {
		free(names[0]);
	}
	return names[count - 1];
}

int podman_ensure_image(struct runtime *runtime, const char *image, enum runtime_pull policy,
			enum runtime_image *ret, struct buf *note, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct error error = { 0 };
	int code = podman_prepare(podman, reterr);

	if (code < 0) {
		return code;
	}

	CLEANUP_FREE char *here = podman_image_here(podman, image, &error);
	bool local = strncmp(here != NULL ? here : image, "localhost/", 10) == 0;

	if (here == NULL && error.code == -EINVAL) {
		return error_set(reterr, -EINVAL, "%s", error.text);
	}
	if (here != NULL && (local || policy != RUNTIME_PULL_ALWAYS)) {
		*ret = RUNTIME_IMAGE_PRESENT;
		return 0;
	}
	if (here == NULL && (local || policy == RUNTIME_PULL_NEVER)) {
		return error_set(
			reterr, -ENOENT, "the image '%s' is not here, and %s", image,
			local ? "images under localhost/ are never pulled: build or load it"
			      : "its pull policy is Never");
	}

	CLEANUP_FREE char *name = image_remote_name(image);

	code = image_pull(podman, name, here != NULL ? PRESENT_WAIT_US : ABSENT_WAIT_US, &error);
	if (code == 0) {
		*ret = RUNTIME_IMAGE_PULLED;
		return 0;
	}
	if (here == NULL) {
		return error_set(reterr, code, "%s", error.text);
	}
	*ret = RUNTIME_IMAGE_SKIPPED;
	if (note != NULL) {
		buf_printf(note, "the image '%s' that is here is used: %s", here, error.text);
	}
	return 0;
}
