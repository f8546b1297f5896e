/* SPDX-License-Identifier: Apache-2.0 */
/* agent-sandbox-router: follows Sandboxes and their pods, and keeps HAProxy and its map in step. */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "core/controller/manager.h"
#include "core/controller/program.h"
#include "core/observe/log.h"
#include "router/haproxy-config.h"
#include "router/haproxy.h"
#include "router/jail.h"
#include "router/options.h"
#include "router/reconcile.h"
#include "router/spans.h"
#include "router/table.h"
#include "router/tokens.h"

#define PROGRAM "agent-sandbox-router"
#define LOOK_MS 50
/* HAProxy starts with a full map, or after this with what there is. */
#define FILL_US 10000000u

struct router {
	struct program program;
	struct options *options;
	struct plugin plugin;
	struct spans *spans;
	struct tokens *tokens;
	struct table *table;
	struct manager *manager;
	struct haproxy *haproxy;
	struct metric *sandboxes;
	int lock_file;
	struct sched_mutex lock;
	bool serving; /* lock: haproxy is set */
};

/* ---- callbacks ---- */

static bool is_ready(void *arg, struct buf *text)
{
	struct router *router = arg;
	bool serving;

	sched_mutex_lock(&router->lock);
	serving = router->serving;
	sched_mutex_unlock(&router->lock);
	if (!serving || !haproxy_is_up(router->haproxy)) {
		buf_append_str(text, "HAProxy does not run\n");
		return false;
	}
	return manager_ready(router->manager, text);
}

static void count_sandboxes(void *arg)
{
	struct router *router = arg;

	metric_record(router->sandboxes, (double)table_count(router->table), NULL);
}

/* ---- setting up ---- */

static int make_spans(struct router *router, struct error *reterr)
{
	if (router->program.tracer == NULL) {
		return 0;
	}

	CLEANUP_FREE char *dir = xprintf("%s%s", router->options->run_dir,
					 router->options->jail.on ? "/" JAIL_DIR : "");

	router->spans = spans_create(router->program.sched, router->program.tracer, dir, reterr);
	return router->spans != NULL ? 0 : -EINVAL;
}

static int make_tokens(struct router *router, struct error *reterr)
{
	if (router->options->token_file == NULL) {
		log_warning("no --token-file: whoever reaches this router can use every sandbox");
		return 0;
	}
	router->tokens =
		tokens_create(router->program.sched, router->table, router->options->token_file,
			      router->options->run_dir, reterr);
	return router->tokens != NULL ? 0 : -EINVAL;
}

static int make_manager(struct router *router, struct error *reterr)
{
	struct manager_config config = {
		.sched = router->program.sched,
		.transport = router->program.api.transport,
		.metrics = router->program.metrics,
		.plugins = { { .plugin = &router->plugin,
			       .state = router->table,
			       .workers = (uint32_t)router->options->workers } },
		.plugin_count = 1,
	};
	int error = plugin_copy(&router_plugin, "(built in)", &router->plugin, reterr);

	if (error < 0) {
		return error;
	}
	router->manager = manager_create(&config, reterr);
	return router->manager != NULL ? 0 : -EINVAL;
}

static int make_table(struct router *router)
{
	CLEANUP_FREE char *map = xprintf("%s/" MAP_FILE, router->options->run_dir);
	CLEANUP_FREE char *socket = xprintf("%s/" COMMAND_SOCKET, router->options->run_dir);

	router->table = table_create(router->program.sched, map, socket);
	router->sandboxes =
		metrics_family(router->program.metrics, "agent_sandbox_router_sandboxes",
			       "Sandboxes that can be reached", METRIC_GAUGE, NULL, NULL);
	metrics_on_render(router->program.metrics, count_sandboxes, router);
	return 0;
}

static int set_up(struct router *router, struct error *reterr)
{
	const struct options *options = router->options;
	struct admin_config admin = {
		.probe_address = options->health_address,
		.metrics_address = options->metrics_address,
		.ready = is_ready,
		.arg = router,
	};
	int code;

	router->lock_file = config_lock(options, reterr);
	if (router->lock_file < 0) {
		return router->lock_file;
	}
	code = jail_open(options->run_dir, &router->options->jail, reterr);
	code = code < 0 ? code : config_write(options, reterr);
	code = code < 0 ? code
			: program_connect(&router->program, options->kubeconfig,
					  options->enable_tracing, reterr);
	code = code < 0 ? code : make_table(router);
	code = code < 0 ? code : make_spans(router, reterr);
	code = code < 0 ? code : make_tokens(router, reterr);
	code = code < 0 ? code : make_manager(router, reterr);
	return code < 0 ? code : program_serve(&router->program, &admin, reterr);
}

/* ---- running ---- */

/* Waits for the Sandboxes that there are; false: a signal came first. */
static bool fill(struct router *router)
{
	uint64_t until = sched_now_us(router->program.sched) + FILL_US;

	while (sched_now_us(router->program.sched) < until) {
		CLEANUP_BUF struct buf text = BUF_INIT(4096);

		if (manager_ready(router->manager, &text) && manager_idle(router->manager)) {
			return true;
		}
		if (program_must_end(&router->program, LOOK_MS)) {
			return false;
		}
	}
	log_warning("the Sandboxes are not listed yet, starting without them");
	return true;
}

static void serve(struct router *router)
{
	manager_start(router->manager);
	if (!fill(router)) {
		return;
	}
	sched_mutex_lock(&router->lock);
	router->haproxy = haproxy_create(router->program.sched, router->options, router->table);
	router->serving = true;
	sched_mutex_unlock(&router->lock);
	(void)program_wait(&router->program);
}

static void tear_down(struct router *router)
{
	program_stop_serving(&router->program);
	haproxy_destroy(router->haproxy);
	if (router->manager != NULL) {
		manager_stop(router->manager, false);
		manager_destroy(router->manager);
	}
	tokens_destroy(router->tokens);
	spans_destroy(router->spans);
	table_destroy(router->table);
	plugin_finish(&router->plugin);
	if (router->lock_file >= 0) {
		close(router->lock_file);
	}
	sched_mutex_finish(&router->lock);
	program_finish(&router->program);
}

static int run(struct options *options)
{
	struct router router = { .options = options, .lock_file = -1 };
	struct error error = { 0 };
	int result = 0, code;

	umask(077);
	code = program_init(&router.program, PROGRAM, &error);
	sched_mutex_init(&router.lock, router.program.sched);
	if (code < 0 || set_up(&router, &error) < 0) {
		log_error("cannot start: %s", error.text);
		result = 1;
	} else {
		log_info(PROGRAM " " PACKAGE_VERSION " at %s",
			 router.program.api.kubeconfig.server);
		serve(&router);
	}
	tear_down(&router);
	return result;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error error = { 0 };
	int result;

	mallopt(M_ARENA_MAX, 2); /* an arena a thread would cost more memory than the map */
	if (options_parse(argc, argv, &options, &error) < 0 ||
	    log_set_up(options.log_format, options.log_level, &error) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", error.text);
		return 2;
	}
	if (options.help) {
		options_help(stdout);
		return 0;
	}
	if (options.version) {
		puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	result = run(&options);
	curl_global_cleanup();
	return result;
}
