/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the node together, waits for a signal, takes it apart. Called by node/main.c. */
#include "config.h"

#include "node/node.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "core/controller/program.h"
#include "core/observe/log.h"
#include "node/node-private.h"
#include "node/pod/api.h"
#include "node/pod/scheduler.h"
#include "node/pod/garbage-collector.h"
#include "node/registration/address.h"
#include "node/registration/registration.h"
#include "node/runtimes.h"
#include "node/server/kubelet-server.h"
#include "node/volumes/claims.h"

#define END_US 3000000u /* for running stops, pulls and requests */

struct node_process {
	struct program program;
	struct node node;
	struct plugin plugin;
	const struct runtime_kind *kind;
	struct registration *registration;
	struct garbage_collector *collector;
	struct kubelet_server *server;
	struct sched_mutex lock;
	bool open; /* lock: pods may be enqueued */
	char name[256];
};

/* ---- enqueueing ---- */

/* Called by the runtime and the prober. */
static void on_changed(void *arg, const char *uid)
{
	struct node_process *process = arg;

	/* The first run of the garbage collector finds what happened before. */
	LOCKED(&process->lock);
	if (!process->open) {
		return;
	}
	if (uid != NULL) {
		node_enqueue_pod(&process->node, uid);
	} else {
		garbage_collector_wake(process->collector);
	}
}

static void set_open(struct node_process *process, bool open)
{
	LOCKED(&process->lock);

	process->open = open;
}

static bool is_ready(void *arg, struct buf *text)
{
	struct node_process *process = arg;

	return manager_ready(process->node.manager, text);
}

/* ---- setting up ---- */

static int choose_name(struct node_process *process, struct error *reterr)
{
	const struct node_options *options = process->node.options;
	char host[sizeof(process->name)] = "";

	if (options->node_name == NULL && gethostname(host, sizeof(host) - 1) != 0) {
		return error_set(reterr, -errno, "cannot find the hostname, give --node-name: %s",
				 strerror(errno));
	}
	snprintf(process->name, sizeof(process->name), "%s",
		 options->node_name != NULL ? options->node_name : host);
	for (char *at = process->name; *at != '\0'; at++) {
		*at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
	}
	process->node.name = process->name;
	return address_find(options->node_ip, process->node.host_ip, reterr);
}

static int make_runtime(struct node_process *process, struct error *reterr)
{
	struct node *node = &process->node;
	CLEANUP_BUF struct buf note = BUF_INIT(4096);
	struct error error = { 0 };
	int code;

	process->kind = runtime_kind_find(node->options->runtime, reterr);
	if (process->kind == NULL) {
		return -EINVAL;
	}
	node->runtime_name = process->kind->name;
	code = process->kind->create(node->sched, node->options, node->name, on_changed, process,
				     &node->runtime, reterr);
	if (code < 0) {
		return code;
	}
	if (node->runtime->ops->check(node->runtime, &note, &error) < 0) {
		/* The Node's condition Ready says so too, and it may be repaired while the node
		 * runs. */
		log_error("no containers can be run for now: %s", error.text);
	} else {
		log_info("runtime: %s", buf_str(&note));
	}
	return 0;
}

static int make_manager(struct node_process *process, struct error *reterr)
{
	struct node *node = &process->node;
	struct manager_config config = {
		.sched = node->sched,
		.transport = process->program.api.transport,
		.metrics = process->program.metrics,
		.component = "agent-sandbox-node",
		.plugins = { { .plugin = &process->plugin,
			       .workers = (uint32_t)node->options->workers,
			       .state = node } },
		.plugin_count = 1,
	};
	int error = plugin_copy(&pod_plugin, "(built in)", &process->plugin, reterr);

	if (error < 0) {
		return error;
	}
	node->manager = manager_create(&config, reterr);
	if (node->manager == NULL) {
		return -EINVAL;
	}
	node->client = manager_client(node->manager);
	node->source = (struct volume_source){ .get = api_source_get,
					       .token = api_source_token,
					       .arg = node->client };
	return 0;
}

static int serve(struct node_process *process, struct error *reterr)
{
	const struct node_options *options = process->node.options;
	struct admin_config config = {
		.probe_address = options->health_address,
		.metrics_address = options->metrics_address,
		.ready = is_ready,
		.arg = process,
	};
	int code = program_serve(&process->program, &config, reterr);

	if (code < 0 || options->listen_unix == NULL) {
		return code;
	}
	process->server = kubelet_server_create(process->node.sched, process->node.runtime,
						options->listen_unix, reterr);
	return process->server != NULL ? 0 : -EADDRINUSE;
}

static int set_up(struct node_process *process, struct error *reterr)
{
	struct node *node = &process->node;
	int error = file_make_directory(node->options->state_dir, 0700, reterr);

	if (error < 0) {
		error_prefix(reterr, "--state-dir");
		return error;
	}
	if ((error = choose_name(process, reterr)) < 0 ||
	    (error = claims_upgrade(node->options->state_dir, sched_wall_us(node->sched) / 1000,
				    reterr)) < 0 ||
	    (error = program_connect(&process->program, node->options->kubeconfig, false, reterr)) <
		    0 ||
	    (error = make_runtime(process, reterr)) < 0) {
		return error;
	}
	node->pods = pod_store_create(node->sched);
	node->jobs = jobs_create(node->sched);
	node->images =
		images_create(node->sched, node->runtime, node->jobs, node_enqueue_pod, node);
	if (process->kind->probes) {
		node->prober = prober_create(node->sched, node->runtime, on_changed, process);
	}
	if (node->options->bind) {
		struct node_capacity capacity;

		registration_capacity((uint64_t)node->options->max_pods, &capacity);
		node->scheduler = scheduler_create(node, &capacity);
	}
	error = make_manager(process, reterr);
	return error < 0 ? error : serve(process, reterr);
}

/* ---- running and ending ---- */

/* False: a job still waits for the runtime, so nothing may be freed. */
static bool stop(struct node_process *process)
{
	struct node *node = &process->node;
	bool ended = kubelet_server_stop(process->server);

	set_open(process, false);
	registration_destroy(process->registration);
	garbage_collector_destroy(process->collector);
	manager_stop(node->manager, false);
	return jobs_wait(node->jobs, sched_now_us(node->sched) + END_US) && ended;
}

static void tear_down(struct node_process *process)
{
	struct node *node = &process->node;

	program_stop_serving(&process->program);
	kubelet_server_destroy(process->server);
	prober_destroy(node->prober);
	jobs_destroy(node->jobs);
	if (node->runtime != NULL) {
		node->runtime->ops->destroy(node->runtime);
	}
	images_destroy(node->images);
	manager_destroy(node->manager);
	scheduler_destroy(node->scheduler);
	pod_store_destroy(node->pods);
	plugin_finish(&process->plugin);
	sched_mutex_finish(&process->lock);
	program_finish(&process->program);
}

int node_run(const struct node_options *options)
{
	struct node_process process = { .node.options = options };
	struct error error = { 0 };
	int code = program_init(&process.program, "agent-sandbox-node", &error);

	process.node.sched = process.program.sched;
	sched_mutex_init(&process.lock, process.node.sched);
	if (code < 0 || set_up(&process, &error) < 0) {
		log_error("cannot start: %s", error.text);
		tear_down(&process);
		return -1;
	}
	log_info("agent-sandbox-node %s: node '%s' (%s) at %s", PACKAGE_VERSION, process.node.name,
		 process.node.host_ip, process.program.api.kubeconfig.server);
	manager_start(process.node.manager);
	process.registration = registration_create(&process.node);
	process.collector = garbage_collector_create(&process.node);
	set_open(&process, true);
	(void)program_wait(&process.program);
	log_info("the containers of the pods keep running");
	if (!stop(&process)) {
		log_info("a stop or a pull is still in progress: the next start continues it");
		_exit(0);
	}
	tear_down(&process);
	return 0;
}
