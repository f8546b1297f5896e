/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime on Podman as the node sees it: its life, its checks and its table of operations. The
 * node's main makes one. */
#include "config.h"

#include "node/podman/podman.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"

#define LOG_MAX (10u << 20)
#define CREATES 8u

static int podman_check(struct runtime *runtime, struct buf *note, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = "/version", .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *version = NULL;
	int handler, code = podman_handler(podman, NULL, &handler, reterr);

	if (code == 0) {
		code = podman_call(podman, &request, &version, reterr);
	}
	if (code < 0) {
		return code;
	}

	const char *number = asb_str(version, "Version");

	buf_printf(note, "podman %s with %s", number != NULL ? number : "of an unknown version",
		   podman->services[handler].handler);
	return 0;
}

static int podman_check_handler(struct runtime *runtime, const char *handler, struct error *reterr)
{
	int index;

	return podman_handler(podman_of(runtime), handler, &index, reterr);
}

static void podman_destroy(struct runtime *runtime)
{
	struct podman *podman = podman_of(runtime);

	{
		LOCKED(&podman->lock);
		podman->stopping = true;
		sched_cond_broadcast(&podman->wake);
		for (int i = 0; i < PODMAN_HANDLERS; i++) {
			struct transport *transport = podman->services[i].transport;

			if (transport != NULL) {
				transport->ops->stop(transport);
			}
		}
	}
	podman_streams_finish(podman);
	if (podman->events != NULL) {
		sched_join(podman->events);
	}
	if (podman->supervisor != NULL) {
		uint64_t one = 1;

		while (write(podman->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
		}
		sched_join(podman->supervisor);
	}
	podman_services_finish(podman);
	podman_forget_stopped(podman, NULL);
	map_finish(&podman->stopped);
	podman_addresses_finish(podman);
	free(podman->state_dir);
	free(podman->label);
	free(podman->binary);
	free(podman->network);
	free(podman->pause);
	free(podman->asked_handler);
	free(podman->platform);
	sched_cond_finish(&podman->wake);
	sched_mutex_finish(&podman->lock);
	free(podman);
}

static const struct runtime_ops ops = {
	.check = podman_check,
	.check_handler = podman_check_handler,
	.ensure_image = podman_ensure_image,
	.start_pod = podman_start_pod,
	.remove_pod = podman_remove_pod,
	.start_container = podman_start_container,
	.stop_container = podman_stop_container,
	.remove_container = podman_remove_container,
	.list = podman_list,
	.exec = podman_exec,
	.logs = podman_logs,
	.exec_stream = podman_exec_stream,
	.exec_wait = podman_exec_wait,
	.exec_resize = podman_exec_resize,
	.exec_end = podman_exec_end,
	.connect = podman_connect,
	.destroy = podman_destroy,
};

/* It stands in Podman's configuration and in a script, so only plain characters. */
static int podman_check_config(const struct podman_config *config, struct error *reterr)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";

	if (config->state_dir == NULL || config->state_dir[0] != '/' ||
	    config->state_dir[strspn(config->state_dir, plain)] != '\0') {
		return error_set(
			reterr, -EINVAL,
			"the state directory must be an absolute path of letters, digits, '.', '_' and '-', not '%s'",
			config->state_dir != NULL ? config->state_dir : "");
	}
	if (!podman_name_ok(config->node) ||
	    (config->network != NULL && !podman_name_ok(config->network))) {
		return error_set(reterr, -EINVAL, "'%s' and '%s' cannot name a node and a network",
				 config->node != NULL ? config->node : "",
				 config->network != NULL ? config->network : "");
	}
	if (config->handler != NULL && podman_handler_index(config->handler) < 0) {
		return error_set(reterr, -EINVAL, "no handler '%s': there are runc, crun and runsc",
				 config->handler);
	}
	if (config->runsc_platform != NULL && !podman_name_ok(config->runsc_platform)) {
		return error_set(reterr, -EINVAL, "'%s' is not a platform of runsc",
				 config->runsc_platform);
	}
	return 0;
}

static char *podman_copy(const char *text, const char *fallback)
{
	return text != NULL ? xstrdup(text) : fallback != NULL ? xstrdup(fallback) : NULL;
}

static struct podman *podman_make(struct sched *sched, const struct podman_config *config)
{
	struct podman *podman = xnew(struct podman);

	podman->base.ops = &ops;
	podman->base.mounts = true;
	podman->sched = sched;
	sched_mutex_init(&podman->lock, sched);
	sched_cond_init(&podman->wake, sched);
	podman->state_dir = xstrdup(config->state_dir);
	podman->label = xprintf("%s@%s", config->node, config->state_dir);
	podman->binary = podman_find(config->podman != NULL ? config->podman : "podman");
	podman->network = podman_copy(config->network, "agent-sandbox");
	podman->pause = podman_copy(config->pause, "catatonit");
	podman->asked_handler = podman_copy(config->handler, NULL);
	podman->platform = podman_copy(config->runsc_platform, NULL);
	podman->log_max = config->log_max > 0 ? config->log_max : LOG_MAX;
	podman->turns = config->creates > 0 ? config->creates : CREATES;
	podman->handler = -1;
	podman->wake_fd = -1;
	return podman;
}

int podman_runtime_create(struct sched *sched, const struct podman_config *config,
			  runtime_changed changed, void *arg, struct runtime **ret,
			  struct error *reterr)
{
	int code = podman_check_config(config, reterr);

	if (code == 0) {
		code = file_make_directory(config->state_dir, 0700, reterr);
	}
	if (code < 0) {
		return code;
	}

	struct podman *podman = podman_make(sched, config);

	podman->changed = changed;
	podman->changed_arg = arg;
	code = podman_services_create(podman, reterr);
	if (code < 0) {
		podman_destroy(&podman->base);
		return code;
	}
	podman->supervisor = sched_start(sched, "podman", podman_supervise, podman);
	podman->events = sched_start(sched, "podman-events", podman_watch, podman);
	*ret = &podman->base;
	return 0;
}
