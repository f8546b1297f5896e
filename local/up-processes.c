/* SPDX-License-Identifier: Apache-2.0 */
/* The command lines of the child processes of `up`, and where their programs are. Called by
 * local/up.c and, for the command that ends pods, by local/up-down.c. */
#include "config.h"

#include "local/up-private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "local/probe.h"

char *processes_directory(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0) {
		return NULL;
	}
	path[length] = '\0';

	char *slash = strrchr(path, '/');

	*(slash != NULL && slash != path ? slash : path + 1) = '\0';
	return xstrdup(path);
}

/* Debian installs HAProxy in the first place, other systems in the others. */
static char *processes_find_haproxy(void)
{
	static const char *const places[] = { "/usr/sbin/haproxy", "/usr/local/sbin/haproxy",
					      "/usr/bin/haproxy" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (access(places[i], X_OK) == 0) {
			return xstrdup(places[i]);
		}
	}
	return NULL;
}

static int processes_find_program(const struct up *up, const char *name, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", up->programs, name);

	return access(path, X_OK) == 0
		       ? 0
		       : error_set(
				 reterr, -ENOENT,
				 "the program '%s' is missing or not executable: build or install it together with agent-sandbox-local",
				 path);
}

int processes_find(struct up *up, struct error *reterr)
{
	up->programs = processes_directory();
	if (up->programs == NULL) {
		return error_set(reterr, -errno, "cannot read /proc/self/exe: %s", strerror(errno));
	}

	int code = processes_find_program(up, "agent-sandbox-node", reterr);

	if (code == 0) {
		code = processes_find_program(up, "agent-sandbox-controller", reterr);
	}
	up->haproxy = processes_find_haproxy();
	up->router = up->haproxy != NULL && !up->options->no_router &&
		     processes_find_program(up, "agent-sandbox-router", NULL) == 0;
	return code;
}

static void processes_add_log_flags(const struct up *up, struct command *ret)
{
	const struct local_options *options = up->options;

	command_add(ret, "--log-format=%s",
		    options->log_format != NULL ? options->log_format : "text");
	command_add(ret, "--log-level=%s",
		    options->log_level != NULL ? options->log_level : "info");
}

static void processes_make_node(void *arg, struct command *ret)
{
	const struct up *up = arg;

	command_add(ret, "%s/agent-sandbox-node", up->programs);
	command_add(ret, "--kubeconfig=%s", up->serving.kubeconfig);
	command_add(ret, "--node-name=" UP_NODE_NAME);
	command_add(ret, "--bind");
	command_add(ret, "--runtime=%s", up->options->pods);
	command_add(ret, "--state-dir=%s/node", up->serving.state_dir);
	command_add(ret, "--listen-unix=%s", up->serving.node_socket);
	processes_add_log_flags(up, ret);
}

static void processes_make_controller(void *arg, struct command *ret)
{
	struct up *up = arg;
	CLEANUP_FREE char *built = xprintf("%s/.libs", up->programs);
	CLEANUP_FREE char *plugin = xprintf("%s/sandbox.so", built);

	up->controller_health = probe_free_port(0);
	command_add(ret, "%s/agent-sandbox-controller", up->programs);
	command_add(ret, "--extensions");
	/* Nobody else reconciles here. */
	command_add(ret, "--leader-elect=false");
	command_add(ret, "--kubeconfig=%s", up->serving.kubeconfig);
	if (up->options->plugin_dir != NULL) {
		command_add(ret, "--plugin-dir=%s", up->options->plugin_dir);
	} else if (access(plugin, R_OK) == 0) {
		command_add(ret, "--plugin-dir=%s", built);
	}
	command_add(ret, "--metrics-bind-address=0");
	command_add(ret, "--health-probe-bind-address=127.0.0.1:%u", up->controller_health);
	processes_add_log_flags(up, ret);
}

static void processes_make_router(void *arg, struct command *ret)
{
	struct up *up = arg;

	up->router_port = probe_free_port(up->router_port);
	up->router_health = probe_free_port(0);
	command_add(ret, "%s/agent-sandbox-router", up->programs);
	command_add(ret, "--kubeconfig=%s", up->serving.kubeconfig);
	command_add(ret, "--listen=127.0.0.1:%u", up->router_port);
	command_add(ret, "--run-dir=%s/router", up->serving.state_dir);
	command_add(ret, "--haproxy=%s", up->haproxy);
	command_add(ret, "--max-connections=1000");
	command_add(ret, "--metrics-bind-address=0");
	command_add(ret, "--haproxy-metrics-bind-address=0");
	command_add(ret, "--health-probe-bind-address=127.0.0.1:%u", up->router_health);
	processes_add_log_flags(up, ret);
}

static void processes_make_first_image(void *arg, struct command *ret)
{
	const struct up *up = arg;

	command_add(ret, "%s", up->options->first_image);
}

void processes_start(struct up *up)
{
	const struct child_spec node = { .name = NODE, .make = processes_make_node, .arg = up };
	const struct child_spec controller = { .name = CONTROLLER,
					       .make = processes_make_controller,
					       .arg = up };
	const struct child_spec router = { .name = ROUTER,
					   .make = processes_make_router,
					   .arg = up };
	const struct child_spec image = {
		.name = FIRST_IMAGE, .make = processes_make_first_image, .arg = up, .once = true
	};
	CLEANUP_FREE char *made = xprintf("%s/first-image.made", up->serving.state_dir);

	supervisor_add(up->supervisor, &node);
	supervisor_add(up->supervisor, &controller);
	if (up->router) {
		supervisor_add(up->supervisor, &router);
	}
	if (up->options->first_image != NULL && access(made, F_OK) < 0) {
		supervisor_add(up->supervisor, &image);
	}
}

void processes_end_pods_command(const char *programs, const char *state_dir, const char *pods,
				struct command *ret)
{
	command_add(ret, "%s/agent-sandbox-node", programs);
	command_add(ret, "--end-pods");
	command_add(ret, "--node-name=" UP_NODE_NAME);
	command_add(ret, "--runtime=%s", pods);
	command_add(ret, "--state-dir=%s/node", state_dir);
}
