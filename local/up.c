/* SPDX-License-Identifier: Apache-2.0 */
/* The command `up`: puts local mode together, keeps it, and takes it apart on a signal. Called by
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
#include "core/observe/tidy.h"
#include "local/apply.h"
#include "local/router-service.h"
#include "local/probe.h"

#define TIDY_FIRST_MS 2000
#define TIDY_MS 30000
#define MIRROR_US 5000000u     /* who deletes the router's pod finds it again after this */
#define CHILD_END_US 15000000u /* a controller that is in a request */

/* ---- starting ---- */

/* People see it at once, also through a pipe. */
static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void warn_of_processes(void)
{
	fputs("*************************************************************************\n"
	      "*  WARNING: --pods process. Containers run as plain processes of this   *\n"
	      "*  machine, with the rights of this user. NOTHING IS ISOLATED: code in  *\n"
	      "*  a sandbox can read, change and delete whatever you can. Run no code  *\n"
	      "*  here that you would not run in your own shell.                       *\n"
	      "*************************************************************************\n",
	      stderr);
}

static int check_state_dir(const char *state_dir, struct error *reterr)
{
	return strlen(state_dir) <= UP_STATE_DIR_MAX
		       ? 0
		       : error_set(
				 reterr, -ENAMETOOLONG,
				 "the state directory's path is too long: sockets in it may have 107 characters, '%s' has %zu, of at most %d (--state-dir)",
				 state_dir, strlen(state_dir), UP_STATE_DIR_MAX);
}

static char *ports_path(const struct up *up)
{
	return xprintf("%s/ports", up->serving.state_dir);
}

/* Those of the last time: kubeconfigs and URLs that users noted stay good. */
static void load_ports(struct up *up, uint16_t *ret_api)
{
	CLEANUP_FREE char *path = ports_path(up);
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

static void save_ports(const struct up *up)
{
	CLEANUP_FREE char *path = ports_path(up);
	CLEANUP_FREE char *text = xprintf("%u %u\n", up->serving.port, up->router_port);

	/* Without it other ports are chosen the next time. */
	(void)file_replace(path, text, strlen(text), 0600, false);
}

static int serve(struct up *up, struct error *reterr)
{
	uint16_t port = 0;
	int code;

	load_ports(up, &port);
	if (up->options->port == 0) {
		port = port != 0 ? peek_free_port(port) : 0;
	}
	if (up->options->router_port != 0 && peek_free_port(up->router_port) != up->router_port) {
		return error_set(reterr, -EADDRINUSE, "port %u (--router-port) is taken",
				 up->router_port);
	}
	code = serving_start(&up->serving, up->options, port, reterr);
	if (code < 0) {
		return code;
	}
	say("API         %s  (after %u ms)", up->serving.url,
	    (unsigned int)((sched_now_us(up->serving.sched) - up->started_us) / 1000));
	say("kubeconfig  %s", up->serving.kubeconfig);
	return apply_crds(up->serving.api, reterr);
}

static int start(struct up *up, struct error *reterr)
{
	int code = serving_init(up->options, &up->serving, reterr);

	if (code < 0 || (code = check_state_dir(up->serving.state_dir, reterr)) < 0 ||
	    (code = children_find(up, reterr)) < 0 ||
	    (code = instance_take(up->serving.sched, up->serving.state_dir, &up->instance,
				  reterr)) < 0) {
		return code;
	}
	up->started_us = sched_now_us(up->serving.sched);
	if (strcmp(up->options->pods, "process") == 0) {
		warn_of_processes();
	}

	CLEANUP_JSON struct json_object *left = instance_told(up->serving.state_dir);

	if (left != NULL) {
		log_warning("the last `up` was killed; going on with what it left");
	}
	code = serve(up, reterr);
	if (code < 0) {
		return code;
	}
	ready_forget(up);
	up->supervisor =
		supervisor_create(up->serving.sched, up->serving.state_dir, up->instance.children);
	children_start(up);
	tell_record(up);
	return 0;
}

/* ---- telling ---- */

static void tell_ready(struct up *up)
{
	static const char *const modes[][2] = {
		{ "podman", "containers of Podman" },
		{ "process", "plain processes, NOTHING IS ISOLATED" },
		{ "fake", "fake: pods are Ready, nothing runs" },
	};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i][0], up->options->pods) == 0) {
			say("pods        %s", modes[i][1]);
		}
	}
	if (!up->router) {
		say("router      none: %s",
		    up->options->no_router ? "--no-router"
		    : up->haproxy == NULL  ? "haproxy is not installed: apt-get install haproxy"
					   : "agent-sandbox-router is not built");
	} else if (ready_router(up)) {
		say("router      http://127.0.0.1:%u", up->router_port);
	} else {
		say("router      does not stay up, going on without: the end of %s/router.log tells why",
		    up->serving.state_dir);
	}
	say("logs        %s/*.log", up->serving.state_dir);
	say("ready after %u ms. In another shell: export KUBECONFIG=%s",
	    (unsigned int)((sched_now_us(up->serving.sched) - up->started_us) / 1000),
	    up->serving.kubeconfig);
	say("Ctrl-C ends everything; the state stays.");
}

/* ---- keeping ---- */

static void keep_mirror(struct up *up)
{
	struct error error = { 0 };
	uint64_t now = sched_now_us(up->serving.sched);

	if (now < up->mirror_us) {
		return;
	}
	up->mirror_us = now + MIRROR_US;
	if (!up->router) {
		return;
	}
	if (mirror_keep(up->serving.api, up->router_port, ready_router(up),
			sched_wall_us(up->serving.sched) / 1000, &error) < 0) {
		log_warning("kubectl port-forward svc/" MIRROR_SERVICE
			    " will not work, going on: %s",
			    error.text);
	}
}

/* Until a signal comes. */
static void keep(struct up *up)
{
	struct pollfd fds[1 + SUPERVISE_MAX] = { { .fd = up->signals, .events = POLLIN } };
	uint64_t tidy_us = sched_now_us(up->serving.sched) + TIDY_FIRST_MS * 1000u;

	for (;;) {
		int due = supervisor_look(up->supervisor);
		size_t count = supervisor_polls(up->supervisor, fds + 1);

		if (supervisor_changes(up->supervisor) != up->changes) {
			up->changes = supervisor_changes(up->supervisor);
			up->mirror_us = 0;
			tell_record(up);
		}
		keep_mirror(up);
		if (due > (int)(MIRROR_US / 1000)) {
			due = MIRROR_US / 1000;
		}
		if (poll(fds, 1 + count, due) > 0 && fds[0].revents != 0) {
			return;
		}
		if (sched_now_us(up->serving.sched) >= tidy_us) {
			tidy();
			tidy_us = sched_now_us(up->serving.sched) + TIDY_MS * 1000u;
		}
	}
}

/* ---- ending ---- */

static void end_pods(struct up *up)
{
	struct command command = { 0 };
	int code;

	children_end_pods_command(up->programs, up->serving.state_dir, up->options->pods, &command);
	code = supervisor_run(up->supervisor, NODE, &command, END_PODS_US);
	command_finish(&command);
	if (code != 0) {
		log_error("not all pods could be ended (%d): the end of %s/" NODE ".log tells why",
			  code, up->serving.state_dir);
	}
}

/* Who makes pods first, what they are made of last. */
static void end(struct up *up)
{
	if (up->supervisor != NULL) {
		up->ready = false;
		tell_record(up);
		supervisor_end(up->supervisor, FIRST_IMAGE, 2000000);
		supervisor_end(up->supervisor, ROUTER, CHILD_END_US);
		supervisor_end(up->supervisor, CONTROLLER, CHILD_END_US);
		supervisor_end(up->supervisor, NODE, CHILD_END_US);
		end_pods(up);
		supervisor_destroy(up->supervisor);
		instance_forget(up->serving.state_dir);
	}
	serving_finish(&up->serving);
	instance_release(&up->instance);
	free(up->programs);
	free(up->haproxy);
}

int up_run(const struct local_options *options, int signals, struct error *reterr)
{
	struct up up = { .options = options, .signals = signals, .instance = INSTANCE_NONE };
	int code = start(&up, reterr);

	if (code == 0) {
		code = ready_wait(&up, reterr);
	}
	if (code == 0) {
		up.ready = true;
		save_ports(&up);
		if (!up.router) {
			mirror_remove(up.serving.api);
		}
		keep_mirror(&up);
		tell_ready(&up);
		tell_record(&up);
		keep(&up);
	}
	if (code >= 0) {
		say("ending everything ...");
	}
	end(&up);
	if (code >= 0) {
		say("ended");
	}
	return code < 0 ? code : 0;
}
