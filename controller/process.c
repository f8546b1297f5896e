/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the controller's manager from the options and the plugins, and runs it until a signal
 * comes. Called by controller/main.c. */
#include "config.h"

#include "controller/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "controller/leases.h"
#include "controller/option-files.h"
#include "controller/start-check.h"
#include "core/controller/manager.h"
#include "core/controller/program.h"
#include "core/observe/log.h"

#define STUCK_US \
	300000000u /* a reconcile's own waits end within seconds: after five minutes it hangs */

struct process {
	struct program program;
	struct options *options;
	struct manager *manager;
	/* of each plugin; texts: what was read from the files of options */
	const char **option_values[MANAGER_PLUGINS_MAX];
	char **option_texts[MANAGER_PLUGINS_MAX];
	const struct plugin_set *plugins;
	size_t plugin_count;
	char identity[160];
};

/* ---- callbacks ---- */

static bool process_is_ready(void *arg, struct buf *text)
{
	struct process *process = arg;

	return manager_ready(process->manager, text);
}

static bool process_is_healthy(void *arg, struct buf *text)
{
	struct process *process = arg;
	uint64_t since = manager_busy_since_us(process->manager);

	if (since == 0 || sched_now_us(process->program.sched) - since < STUCK_US) {
		return true;
	}
	buf_append_str(text, "a reconcile has been running for more than five minutes\n");
	return false;
}

static void process_on_lost(void *arg)
{
	struct process *process = arg;

	program_stop(&process->program);
}

/* ---- setting up ---- */

/* Chooses the namespace of the leases and the identity that this process holds them under. With
 * --leader-elect=false there is none. */
static int process_choose_lease(struct process *process, struct manager_config *config,
				struct error *reterr)
{
	char host[65] = "unknown";

	if (!process->options->leader_elect) {
		return 0;
	}
	config->lease_ns = leases_namespace(process->options, &process->program.api.kubeconfig);
	if (config->lease_ns == NULL) {
		return error_set(
			reterr, -EINVAL,
			"leader election needs --leader-election-namespace outside a cluster, because there is no pod whose namespace could be used; or use --leader-elect=false if no other controller runs");
	}
	gethostname(host, sizeof(host) - 1);
	snprintf(process->identity, sizeof(process->identity), "%s_%016llx", host,
		 (unsigned long long)sched_random(process->program.sched));
	memcpy(config->lease_names, leases_names, sizeof(config->lease_names));
	config->identity = process->identity;
	return 0;
}

static int process_add_plugins(struct process *process, const struct plugin_set *plugins,
			       struct manager_config *config, struct error *reterr)
{
	for (size_t i = 0; i < plugins->count; i++) {
		struct manager_plugin *plugin = &config->plugins[i];
		int code = options_for_plugin(process->options, &plugins->items[i],
					      &process->option_values[i], &plugin->workers, reterr);

		if (code < 0) {
			return code;
		}
		process->plugin_count++;
		code = option_files_read(&plugins->items[i], process->option_values[i],
					 &process->option_texts[i], reterr);
		if (code < 0) {
			return code;
		}
		plugin->plugin = &plugins->items[i];
		plugin->option_values = process->option_values[i];
		plugin->optional = !options_builtin(plugins->items[i].head.name);
		config->plugin_count++;
	}
	return options_check_used(process->options, reterr);
}

static int process_make_manager(struct process *process, const struct plugin_set *plugins,
				struct error *reterr)
{
	struct manager_config config = {
		.sched = process->program.sched,
		.transport = process->program.api.transport,
		.metrics = process->program.metrics,
		.tracer = process->program.tracer,
		.rate = process->options->kube_api_qps,
		.burst = (double)process->options->kube_api_burst,
		.pod_label_selector = process->options->pod_label_selector,
		.on_lost = process_on_lost,
		.arg = process,
	};
	int code = process_add_plugins(process, plugins, &config, reterr);

	if (code == 0) {
		code = process_choose_lease(process, &config, reterr);
	}
	if (code < 0) {
		return code;
	}
	process->manager = manager_create(&config, reterr);
	return process->manager != NULL ? 0 : -EINVAL;
}

/* A constant 1 whose labels say what runs. */
static void process_show_build(struct metrics *metrics)
{
	struct metric *metric = metrics_family(metrics, "agent_sandbox_build_info",
					       "Always 1; the labels say which build this is.",
					       METRIC_GAUGE, "git_version,compiler,platform", NULL);
	struct utsname system = { 0 };
	char platform[sizeof(system.sysname) + sizeof(system.machine) + 2];

	(void)uname(&system);
	snprintf(platform, sizeof(platform), "%s/%s", system.sysname, system.machine);
	metric_record(metric, 1,
		      (const char *const[]){ PACKAGE_VERSION, "cc " __VERSION__, platform });
}

static int process_set_up(struct process *process, const struct plugin_set *plugins,
			  struct error *reterr)
{
	const struct options *options = process->options;
	struct admin_config admin = {
		.probe_address = options->health_address,
		.metrics_address = options->metrics_address,
		.ready = process_is_ready,
		.healthy = process_is_healthy,
		.arg = process,
	};
	int code = program_init(&process->program, "agent-sandbox-controller", reterr);

	if (code == 0) {
		process_show_build(process->program.metrics);
		code = program_connect(&process->program, options->kubeconfig,
				       options->enable_tracing, reterr);
	}
	if (code == 0) {
		code = process_make_manager(process, plugins, reterr);
	}
	return code < 0 ? code : program_serve(&process->program, &admin, reterr);
}

static void process_tear_down(struct process *process)
{
	program_stop_serving(&process->program);
	manager_destroy(process->manager);
	program_finish(&process->program);
	for (size_t i = 0; i < process->plugin_count; i++) {
		option_files_free(&process->plugins->items[i], process->option_texts[i]);
		free(process->option_values[i]);
	}
}

static void process_say_idle_flags(const struct options *options)
{
	CLEANUP_BUF struct buf flags = BUF_INIT(4096);

	if (options_idle_flags(options, &flags)) {
		log_info("these flags are accepted, but have no effect here: %s", buf_str(&flags));
	}
}

/* Starts the manager if the cluster is fit for it, and waits for the end. */
static int process_work(struct process *process)
{
	int code =
		start_check(&process->program, manager_client(process->manager), process->options);

	if (code == -EPERM) {
		return code;
	}
	if (code == 0) {
		manager_start(process->manager);
	}
	code = program_wait(&process->program);
	manager_stop(process->manager, code < 0);
	return code;
}

int process_run(struct options *options, const struct plugin_set *plugins)
{
	struct process process = { .options = options, .plugins = plugins };
	struct error error = { 0 };
	int code = process_set_up(&process, plugins, &error);

	if (code < 0) {
		log_error("cannot start: %s", error.text);
	} else {
		log_info("agent-sandbox-controller %s with %zu plugins at %s", PACKAGE_VERSION,
			 plugins->count, process.program.api.kubeconfig.server);
		process_say_idle_flags(options);
		code = process_work(&process);
	}
	process_tear_down(&process);
	return code;
}
