/* SPDX-License-Identifier: Apache-2.0 */
/* Connects a manager with the real world and waits for a signal. Called by controller/main.c. */
#include "config.h"

#include "controller/process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/config/api-connect.h"
#include "core/controller/manager.h"
#include "core/observe/admin.h"
#include "core/observe/log.h"
#include "core/observe/signals.h"
#include "core/observe/memory-trim.h"

#define LEASE_NAME "a3317529.x-k8s.io"
#define TIDY_FIRST_MS 2000 /* most start-ups are over by then */
#define TIDY_MS 15000      /* how often memory that a burst has left free goes back to the kernel */
#define STUCK_US \
	300000000u /* a reconcile's own waits end within seconds: after five minutes it hangs */

struct process {
	struct sched *sched;
	struct options *options;
	struct api_connection api;
	struct metrics *metrics;
	struct tracer *tracer;
	struct manager *manager;
	struct admin *admin;
	const char **option_values[MANAGER_PLUGINS_MAX];
	size_t plugin_count;
	char identity[160];
	int signals; /* signalfd */
	int lost;    /* eventfd: the lease is gone */
};

/* ---- callbacks ---- */

static bool is_ready(void *arg, struct buf *text)
{
	struct process *process = arg;

	return manager_ready(process->manager, text);
}

static bool is_healthy(void *arg, struct buf *text)
{
	struct process *process = arg;
	uint64_t since = manager_busy_since_us(process->manager);

	if (since == 0 || sched_now_us(process->sched) - since < STUCK_US) {
		return true;
	}
	buf_append_str(text, "a reconcile has been running for more than five minutes\n");
	return false;
}

static void on_lost(void *arg)
{
	struct process *process = arg;
	uint64_t one = 1;

	if (write(process->lost, &one, sizeof(one)) < 0) {
		log_error("cannot wake the main thread: %s, ending at once", strerror(errno));
		_exit(1);
	}
}

/* ---- setting up ---- */

static int open_signals(struct process *process, struct error *reterr)
{
	process->signals = signals_open(reterr);
	if (process->signals < 0) {
		return process->signals;
	}
	process->lost = eventfd(0, EFD_CLOEXEC);
	return process->lost >= 0
		       ? 0
		       : error_set(reterr, -errno, "cannot make an eventfd: %s", strerror(errno));
}

static int connect_api(struct process *process, struct error *reterr)
{
	return api_connect(&process->api, process->sched, process->options->kubeconfig,
			   "agent-sandbox-controller/" PACKAGE_VERSION, reterr);
}

static int connect_tracer(struct process *process, struct error *reterr)
{
	if (!process->options->enable_tracing) {
		return 0;
	}
	process->tracer = tracer_connect(process->sched, process->metrics,
					 "agent-sandbox-controller", reterr);
	return process->tracer != NULL ? 0 : -EINVAL;
}

/* The lease's namespace and our name on it; nothing without --leader-elect. */
static int choose_lease(struct process *process, struct manager_config *config,
			struct error *reterr)
{
	char host[65] = "unknown";

	if (!process->options->leader_elect) {
		return 0;
	}
	config->lease_ns = process->options->leader_election_namespace;
	if (config->lease_ns == NULL && process->api.kubeconfig.in_cluster) {
		config->lease_ns = process->api.kubeconfig.namespace_;
	}
	if (config->lease_ns == NULL) {
		return error_set(
			reterr, -EINVAL,
			"--leader-elect outside a cluster needs --leader-election-namespace: there is no pod's namespace to take");
	}
	gethostname(host, sizeof(host) - 1);
	snprintf(process->identity, sizeof(process->identity), "%s_%016llx", host,
		 (unsigned long long)sched_random(process->sched));
	config->lease_name = LEASE_NAME;
	config->identity = process->identity;
	return 0;
}

static int add_plugins(struct process *process, const struct plugin_set *plugins,
		       struct manager_config *config, struct error *reterr)
{
	for (size_t i = 0; i < plugins->count; i++) {
		struct manager_plugin *plugin = &config->plugins[i];
		int error =
			options_for_plugin(process->options, &plugins->items[i],
					   &process->option_values[i], &plugin->workers, reterr);

		if (error < 0) {
			return error;
		}
		process->plugin_count++;
		plugin->plugin = &plugins->items[i];
		plugin->option_values = process->option_values[i];
		plugin->optional = !options_builtin(plugins->items[i].head.name);
		config->plugin_count++;
	}
	return options_check_used(process->options, reterr);
}

static int make_manager(struct process *process, const struct plugin_set *plugins,
			struct error *reterr)
{
	struct manager_config config = {
		.sched = process->sched,
		.transport = process->api.transport,
		.metrics = process->metrics,
		.tracer = process->tracer,
		.rate = process->options->kube_api_qps,
		.burst = (double)process->options->kube_api_burst,
		.pod_label_selector = process->options->pod_label_selector,
		.on_lost = on_lost,
		.arg = process,
	};
	int error = add_plugins(process, plugins, &config, reterr);

	if (error == 0) {
		error = choose_lease(process, &config, reterr);
	}
	if (error < 0) {
		return error;
	}
	process->manager = manager_create(&config, reterr);
	return process->manager != NULL ? 0 : -EINVAL;
}

static int serve(struct process *process, struct error *reterr)
{
	struct admin_config config = {
		.metrics = process->metrics,
		.probe_address = process->options->health_address,
		.metrics_address = process->options->metrics_address,
		.ready = is_ready,
		.healthy = is_healthy,
		.arg = process,
	};

	process->admin = admin_create(&config, reterr);
	if (process->admin == NULL) {
		return -EADDRINUSE;
	}
	log_info("health on port %u, metrics on port %u", admin_probe_port(process->admin),
		 admin_metrics_port(process->admin));
	return 0;
}

/* 0 for a signal, -1 for a lost lease. */
static int wait_for_end(struct process *process)
{
	struct pollfd fds[] = { { .fd = process->signals, .events = POLLIN },
				{ .fd = process->lost, .events = POLLIN } };
	struct signalfd_siginfo info;
	int ready, pause_ms = TIDY_FIRST_MS;

	while ((ready = poll(fds, ARRAY_LEN(fds), pause_ms)) <= 0) {
		if (ready < 0 && errno != EINTR) {
			return -1;
		}
		tidy();
		pause_ms = TIDY_MS;
	}
	if (fds[0].revents != 0 && read(process->signals, &info, sizeof(info)) > 0) {
		log_info("signal %u: ending", info.ssi_signo);
		return 0;
	}
	return -1;
}

static void tear_down(struct process *process)
{
	admin_destroy(process->admin);
	manager_destroy(process->manager);
	tracer_destroy(process->tracer);
	api_disconnect(&process->api);
	metrics_destroy(process->metrics);
	for (size_t i = 0; i < process->plugin_count; i++) {
		free(process->option_values[i]);
	}
	if (process->signals >= 0) {
		close(process->signals);
	}
	if (process->lost >= 0) {
		close(process->lost);
	}
	sched_destroy(process->sched);
}

int process_run(struct options *options, const struct plugin_set *plugins)
{
	struct process process = { .options = options, .signals = -1, .lost = -1 };
	struct error error = { 0 };
	int result = -1;

	process.sched = sched_create();
	process.metrics = metrics_create(process.sched);
	metrics_add_process(process.metrics);
	if (open_signals(&process, &error) < 0 || connect_api(&process, &error) < 0 ||
	    connect_tracer(&process, &error) < 0 || make_manager(&process, plugins, &error) < 0 ||
	    serve(&process, &error) < 0) {
		log_error("cannot start: %s", error.text);
		tear_down(&process);
		return -1;
	}
	log_info("agent-sandbox-controller %s with %zu plugins at %s", PACKAGE_VERSION,
		 plugins->count, process.api.kubeconfig.server);
	manager_start(process.manager);
	result = wait_for_end(&process);
	manager_stop(process.manager, result < 0);
	tear_down(&process);
	return result;
}
