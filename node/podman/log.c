/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of containers, as Kubernetes' pods/log wants them. The node calls it through podman.c's
 * table. */
#include "config.h"

#include <errno.h>

#include "base/memory.h"
#include "node/podman/frame.h"
#include "node/podman/podman-private.h"

#define IDLE_MS 600000u  /* a followed log is requested again after so long without a line */
#define REST_MS 60000u   /* of one that is not followed */
#define TAIL_MAX \
	100000 /* Podman takes memory for as many lines as are asked for, before it reads one */
#define FOLLOWS_MAX 144u /* so a follower stays for a day */

struct log {
	struct frame_reader frames;
	const struct runtime_log_options *options;
	int (*bytes)(void *arg, const char *data, size_t length);
	void *arg;
	uint64_t sent;
	bool full; /* the limit is reached, or the reader has had enough */
};

static int log_on_frame(void *arg, int stream UNUSED, const char *data, size_t length)
{
	struct log *log = arg;
	uint64_t limit = log->options->limit_bytes;

	if (limit > 0 && log->sent + length >= limit) {
		length = (size_t)(limit - log->sent);
		log->full = true;
	}
	log->sent += length;
	if (length > 0 && log->bytes(log->arg, data, length) != 0) {
		log->full = true;
	}
	return log->full ? -ECANCELED : 0;
}

static int log_on_bytes(void *arg, const char *data, size_t length)
{
	struct log *log = arg;

	return frame_read(&log->frames, data, length, log_on_frame, log);
}

static char *log_path_of(const char *id, const struct runtime_log_options *options,
			 int64_t since_ms, bool again)
{
	CLEANUP_BUF struct buf path = BUF_INIT(1024);

	buf_printf(&path,
		   PODMAN_API "/containers/%s/logs?stdout=true&stderr=true&follow=%s&timestamps=%s",
		   id, options->follow ? "true" : "false", options->timestamps ? "true" : "false");
	if (options->tail_lines >= 0 && !again) {
		buf_printf(&path, "&tail=%lld",
			   (long long)(options->tail_lines < TAIL_MAX ? options->tail_lines
								      : TAIL_MAX));
	}
	if (since_ms > 0) {
		buf_printf(&path, "&since=%lld.%03lld", (long long)(since_ms / 1000),
			   (long long)(since_ms % 1000));
	}
	return buf_take(&path);
}

int podman_logs(struct runtime *runtime, const char *id, const struct runtime_log_options *options,
		int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct log log = { .options = options, .bytes = bytes, .arg = arg };
	int64_t since_ms = options->since_ms;
	int code = podman_name_ok(id)
			   ? podman_prepare(podman, reterr)
			   : error_set(reterr, -EINVAL, "'%s' is not a container id", id);

	if (code < 0 || options->tail_lines == 0) {
		if (code < 0 || !options->follow) {
			return code;
		}
	}
	for (uint32_t i = 0; i < FOLLOWS_MAX; i++) {
		struct transport *transport = podman_transport(podman, podman_main(podman));
		CLEANUP_FREE char *path = log_path_of(id, options, since_ms, i > 0);
		const struct http_request request = {
			.method = "GET", .path = path, .accept = "*/*", .timeout_ms = PODMAN_CALL_MS
		};
		int64_t asked_ms = sched_wall_us(podman->sched) / 1000;
		struct http_response response;

		log.frames = (struct frame_reader){ 0 };
		transport->ops->stream(transport, &request, options->follow ? IDLE_MS : REST_MS,
				       log_on_bytes, &log, &response);
		code = log.full ? 0 : podman_result(&response, NULL, reterr);
		if (log.full || !options->follow || response.result != -ETIMEDOUT) {
			http_response_finish(&response);
			return code;
		}
		/* Nothing came for IDLE_MS, so the next lines are newer than this request. */
		since_ms = asked_ms > since_ms ? asked_ms : since_ms;
		http_response_finish(&response);
	}
	return 0;
}
