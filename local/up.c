/* SPDX-License-Identifier: Apache-2.0 */
/* The command `up`: starts local mode, keeps it running, and ends it on a signal. Called by
 * local/main.c. */
#include "config.h"

#include "local/up-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "core/observe/log.h"
#include "core/observe/memory-trim.h"
#include "local/apply.h"
#include "local/router-service.h"
#include "local/probe.h"

#define TRIM_FIRST_MS 2000
#define TRIM_MS 30000
#define ROUTER_SERVICE_US 5000000u /* how often the router's Service and pod are checked */
#define CHILD_END_US 15000000u     /* the controller may be waiting for a response */

/* ---- starting ---- */

/* Prints a line that is visible at once, also through a pipe. */
static void up_say(const char *format, ...) PRINTF_LIKE(1, 2);
static void up_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void up_warn_of_processes(void)
{
	fputs("*************************************************************************\n"
	      "*  WARNING: --pods process. Containers run as plain processes of this   *\n"
	      "*  machine, with your permissions. NOTHING IS ISOLATED: code in a       *\n"
	      "*  sandbox can read, change and delete everything that you can. Run no  *\n"
	      "*  code here that you would not run in your own shell.                  *\n"
	      "*************************************************************************\n",
	      stderr);
}

static int up_check_state_dir(const char *state_dir, struct error *reterr)
{
	return strlen(state_dir) <= UP_STATE_DIR_MAX
		       ? 0
		       : error_set(
				 reterr, -ENAMETOOLONG,
				 "the path of the state directory is too long: '%s' has %zu characters, and at most %d are allowed, because of the sockets in it; use --state-dir",
				 state_dir, strlen(state_dir), UP_STATE_DIR_MAX);
}

static char *up_ports_path(const struct up *up)
{
	return xprintf("%s/ports", up->serving.state_dir);
}

/* Uses the ports of the last run again, so that kubeconfigs and URLs of users stay valid. */
static void up_load_ports(struct up *up, uint16_t *ret_api)
{
	CLEANUP_FREE char *path = up_ports_path(up);
	unsigned int api = 0, router = 0;
	FILE *file = fopen(path, "re");

	if (file != NULL) {
		if (fscanf(file, "%5u %5u", &api, &router) != 2) {
			api = router = 0;
		}
		fclose(file);
	}
	*ret_api = up->options->port != 0 ? (uint16_t)up->options->port : (uint16_t)api;
	up->router_port = up->options->router_port != 0 ? (uint16_t)up->options->router_port
							: (uint16_t)router;
}

static void up_save_ports(const struct up *up)
{
	CLEANUP_FREE char *path = up_ports_path(up);
	CLEANUP_FREE char *text = xprintf("%u %u\n", up->serving.port, up->router_port);

	/* Without this file the next run chooses other ports. */
	(void)file_replace(path, text, strlen(text), 0600, false);
}

static int up_serve(struct up *up, struct error *reterr)
{
	uint16_t port = 0;
	int code;

	up_load_ports(up, &port);
	if (up->options->port == 0) {
		port = port != 0 ? probe_free_port(port) : 0;
	}
	if (up->options->router_port != 0 && probe_free_port(up->router_port) != up->router_port) {
		return error_set(reterr, -EADDRINUSE, "port %u (--router-port) is in use",
				 up->router_port);
	}
	code = serving_start(&up->serving, up->options, port, reterr);
	if (code < 0) {
		return code;
	}
	up_say("API         %s  (after %u ms)", up->serving.url,
	       (unsigned int)((sched_now_us(up->serving.sched) - up->started_us) / 1000));
	up_say("kubeconfig  %s", up->serving.kubeconfig);
	return apply_crds(up->serving.api, reterr);
}

static int up_start(struct up *up, struct error *reterr)
{
	int code = serving_init(up->options, &up->serving, reterr);

	if (code < 0 || (code = up_check_state_dir(up->serving.state_dir, reterr)) < 0 ||
	    (code = processes_find(up, reterr)) < 0 ||
	    (code = instance_take(up->serving.sched, up->serving.state_dir, &up->instance,
				  reterr)) < 0) {
		return code;
	}
	up->started_us = sched_now_us(up->serving.sched);
	if (strcmp(up->options->pods, "process") == 0) {
		up_warn_of_processes();
	}

	CLEANUP_JSON struct json_object *left = instance_read_status(up->serving.state_dir);

	if (left != NULL) {
		log_warning("the last `up` was killed; continuing with what it left");
	}
	code = up_serve(up, reterr);
	if (code < 0) {
		return code;
	}
	ready_forget(up);
	up->supervisor =
		supervisor_create(up->serving.sched, up->serving.state_dir, up->instance.children);
	processes_start(up);
	status_write(up);
	return 0;
}

/* ---- reporting ---- */

static void up_print_ready(struct up *up)
{
	static const char *const modes[][2] = {
		{ "podman", "containers of Podman" },
		{ "process", "plain processes, NOTHING IS ISOLATED" },
		{ "fake", "fake: pods are Ready, but nothing runs" },
	};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i][0], up->options->pods) == 0) {
			up_say("pods        %s", modes[i][1]);
		}
	}
	if (!up->router) {
		up_say("router      none: %s",
		       up->options->no_router ? "--no-router"
		       : up->haproxy == NULL  ? "haproxy is not installed: apt-get install haproxy"
					      : "agent-sandbox-router is not built");
	} else if (ready_router(up)) {
		up_say("router      http://127.0.0.1:%u", up->router_port);
	} else {
		up_say("router      does not stay up, going on without it: see the end of %s/router.log",
		       up->serving.state_dir);
	}
	up_say("logs        %s/*.log", up->serving.state_dir);
	up_say("ready after %u ms. In another shell: export KUBECONFIG=%s",
	       (unsigned int)((sched_now_us(up->serving.sched) - up->started_us) / 1000),
	       up->serving.kubeconfig);
	up_say("Ctrl-C ends everything; the state stays on disk.");
}

/* ---- running ---- */

static void up_keep_router_service(struct up *up)
{
	struct error error = { 0 };
	uint64_t now = sched_now_us(up->serving.sched);

	if (now < up->router_service_us) {
		return;
	}
	up->router_service_us = now + ROUTER_SERVICE_US;
	if (!up->router) {
		return;
	}
	if (router_service_keep(up->serving.api, up->router_port, ready_router(up),
				sched_wall_us(up->serving.sched) / 1000, &error) < 0) {
		log_warning("kubectl port-forward svc/" ROUTER_SERVICE
			    " does not work, going on: %s",
			    error.text);
	}
}

/* Returns when a signal has come. */
static void up_keep_running(struct up *up)
{
	struct pollfd fds[1 + SUPERVISE_MAX] = { { .fd = up->signals, .events = POLLIN } };
	uint64_t trim_us = sched_now_us(up->serving.sched) + TRIM_FIRST_MS * 1000u;

	for (;;) {
		int due = supervisor_step(up->supervisor);
		size_t count = supervisor_polls(up->supervisor, fds + 1);

		if (supervisor_changes(up->supervisor) != up->changes) {
			up->changes = supervisor_changes(up->supervisor);
			up->router_service_us = 0;
			status_write(up);
		}
		up_keep_router_service(up);
		if (due > (int)(ROUTER_SERVICE_US / 1000)) {
			due = ROUTER_SERVICE_US / 1000;
		}
		if (poll(fds, 1 + count, due) > 0 && fds[0].revents != 0) {
			return;
		}
		if (sched_now_us(up->serving.sched) >= trim_us) {
			memory_trim();
			trim_us = sched_now_us(up->serving.sched) + TRIM_MS * 1000u;
		}
	}
}

/* ---- ending ---- */

static void up_end_pods(struct up *up)
{
	struct command command = { 0 };
	int code;

	processes_end_pods_command(up->programs, up->serving.state_dir, up->options->pods,
				   &command);
	code = supervisor_run(up->supervisor, NODE, &command, END_PODS_US);
	command_finish(&command);
	if (code != 0) {
		log_error("not all pods could be ended (status %d): see the end of %s/" NODE ".log",
			  code, up->serving.state_dir);
	}
}

/* Ends first what creates pods, and last what they run on. */
static void up_end(struct up *up)
{
	if (up->supervisor != NULL) {
		up->ready = false;
		status_write(up);
		supervisor_end(up->supervisor, FIRST_IMAGE, 2000000);
		supervisor_end(up->supervisor, ROUTER, CHILD_END_US);
		supervisor_end(up->supervisor, CONTROLLER, CHILD_END_US);
		supervisor_end(up->supervisor, NODE, CHILD_END_US);
		up_end_pods(up);
		supervisor_destroy(up->supervisor);
		instance_remove_status(up->serving.state_dir);
	}
	serving_finish(&up->serving);
	instance_release(&up->instance);
	free(up->programs);
	free(up->haproxy);
}

int up_run(const struct local_options *options, int signals, struct error *reterr)
{
	struct up up = { .options = options, .signals = signals, .instance = INSTANCE_NONE };
	int code = up_start(&up, reterr);

	if (code == 0) {
		code = ready_wait(&up, reterr);
	}
	if (code == 0) {
		up.ready = true;
		up_save_ports(&up);
		if (!up.router) {
			router_service_remove(up.serving.api);
		}
		up_keep_router_service(&up);
		status_write(&up); /* before the message, after which users ask for the status */
		up_print_ready(&up);
		up_keep_running(&up);
	}
	if (code >= 0) {
		up_say("ending everything ...");
	}
	up_end(&up);
	if (code >= 0) {
		up_say("ended");
	}
	return code < 0 ? code : 0;
}
