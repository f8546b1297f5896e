/* SPDX-License-Identifier: Apache-2.0 */
/* The status file up.json, in which `up` records what runs, and the command `status`, which reads
 * it. Called by local/up.c and local/main.c. */
#include "config.h"

#include "local/up-private.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/observe/log.h"
#include "local/probe.h"

#define PROBE_MS 2000
#define LISTED_MAX (8u << 20)

/* ---- writing ---- */

static void status_add_child(struct json_object *children, const struct up *up, const char *name,
			     uint16_t health)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(child, "pid",
			       json_object_new_int(supervisor_pid(up->supervisor, name)));
	json_object_object_add(child, "restarts",
			       json_object_new_int((int)supervisor_restarts(up->supervisor, name)));
	json_object_object_add(child, "health", json_object_new_int(health));
	json_object_object_add(children, name, child);
}

void status_write(struct up *up)
{
	CLEANUP_JSON struct json_object *record = json_object_new_object();
	struct json_object *children = json_object_new_object();
	struct error error = { 0 };

	asb_set_str(record, "version", PACKAGE_VERSION);
	asb_set_str(record, "url", up->serving.url);
	asb_set_str(record, "kubeconfig", up->serving.kubeconfig);
	asb_set_str(record, "pods", up->options->pods);
	json_object_object_add(record, "port", json_object_new_int(up->serving.port));
	json_object_object_add(record, "router_port",
			       json_object_new_int(up->router ? up->router_port : 0));
	json_object_object_add(record, "ready", json_object_new_boolean(up->ready));
	status_add_child(children, up, NODE, 0);
	status_add_child(children, up, CONTROLLER, up->controller_health);
	if (up->router) {
		status_add_child(children, up, ROUTER, up->router_health);
	}
	json_object_object_add(record, "children", children);
	if (instance_write_status(up->serving.state_dir, record, &error) < 0) {
		log_warning("`agent-sandbox-local status` will show an old state, going on: %s",
			    error.text);
	}
}

/* ---- reading ---- */

static int status_number(struct json_object *object, const char *name)
{
	return json_object_get_int(asb_at(object, name));
}

static bool status_print_child(struct json_object *record, const char *name)
{
	struct json_object *child = asb_at(asb_at(record, "children"), name);
	int pid = status_number(child, "pid"), health = status_number(child, "health");
	bool runs = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
	bool ready = runs && (health == 0 ||
			      probe_get((uint16_t)health, "", "/readyz", PROBE_MS, NULL) == 200);

	printf("%-12s%s, process %d, %d restarts\n", name,
	       ready  ? "ready"
	       : runs ? "runs, not ready"
		      : "does not run",
	       pid, status_number(child, "restarts"));
	return ready;
}

/* The List of a kind, which the caller owns; NULL when the API does not respond. */
static struct json_object *status_list(const char *socket_path, const char *path)
{
	CLEANUP_BUF struct buf body = BUF_INIT(LISTED_MAX);

	return probe_get(0, socket_path, path, PROBE_MS, &body) == 200
		       ? json_parse(buf_str(&body), body.length, NULL)
		       : NULL;
}

static size_t status_count_ready(struct json_object *items)
{
	size_t ready = 0;

	for (size_t i = 0; i < asb_length(items); i++) {
		ready += asb_condition_is(json_object_array_get_idx(items, i), "Ready", "True");
	}
	return ready;
}

static bool status_print_api(struct json_object *record, const char *state_dir)
{
	CLEANUP_FREE char *socket_path = xprintf("%s/api.sock", state_dir);
	CLEANUP_JSON struct json_object *nodes = status_list(socket_path, "/api/v1/nodes");
	CLEANUP_JSON struct json_object *pods = status_list(socket_path, "/api/v1/pods");
	struct json_object *all_nodes = asb_array(nodes, "items"),
			   *all_pods = asb_array(pods, "items");
	const char *mode = asb_str(record, "pods");
	bool ready = nodes != NULL && status_count_ready(all_nodes) == asb_length(all_nodes) &&
		     asb_length(all_nodes) > 0;

	printf("API         %s, %s\n", asb_str(record, "url"),
	       nodes != NULL ? "ready" : "does not respond");
	printf("kubeconfig  %s\n", asb_str(record, "kubeconfig"));
	printf("pods        %zu, %zu of them Ready; --pods %s%s\n", asb_length(all_pods),
	       status_count_ready(all_pods), mode,
	       asb_streq(mode, "process") ? ": NOTHING IS ISOLATED" : "");
	if (nodes != NULL && !ready) {
		const char *why = asb_str(
			asb_condition(json_object_array_get_idx(all_nodes, 0), "Ready"), "message");

		printf("            the Node is not Ready: %s\n", why != NULL ? why : "");
	}
	return ready;
}

static bool status_print_all(struct json_object *record, const char *state_dir, int pid)
{
	bool good = json_object_get_boolean(asb_at(record, "ready"));

	printf("state       %s\n", state_dir);
	printf("up          process %d, version %s%s\n", pid, asb_str(record, "version"),
	       good ? "" : ", starting or ending");
	good = status_print_api(record, state_dir) && good;
	good = status_print_child(record, NODE) && good;
	good = status_print_child(record, CONTROLLER) && good;
	if (asb_at(record, "children", ROUTER) == NULL) {
		printf("%-12snone: --no-router, or no haproxy\n", ROUTER);
		return good;
	}
	good = status_print_child(record, ROUTER) && good;
	printf("            http://127.0.0.1:%d\n", status_number(record, "router_port"));
	return good;
}

int status_run(const struct local_options *options, struct error *reterr)
{
	CLEANUP_FREE char *path = local_options_state_dir(options);
	CLEANUP_FREE char *state_dir = NULL;
	pid_t pid = instance_find(path, &state_dir, reterr);

	if (pid < 0) {
		return pid;
	}
	if (pid == 0) {
		printf("nothing runs with the state in '%s'\n", path != NULL ? path : "");
		return STATUS_NOTHING;
	}

	CLEANUP_JSON struct json_object *record = instance_read_status(state_dir);

	if (asb_str(record, "url") == NULL || asb_str(record, "kubeconfig") == NULL ||
	    asb_str(record, "pods") == NULL || asb_str(record, "version") == NULL) {
		printf("process %d is starting with the state in '%s'\n", (int)pid, state_dir);
		return STATUS_NOT_ALL;
	}
	return status_print_all(record, state_dir, (int)pid) ? STATUS_GOOD : STATUS_NOT_ALL;
}
