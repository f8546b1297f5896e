/* SPDX-License-Identifier: Apache-2.0 */
/* agent-sandbox-controller: reads the flags, loads the plugins, runs. Everything else is elsewhere.
 */
#include "config.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "controller/check-cluster.h"
#include "controller/options.h"
#include "controller/plugin-set.h"
#include "controller/process.h"
#include "core/observe/log.h"

#define DUMP_MAX (8u << 20)

static int controller_dump(const char *file)
{
	CLEANUP_BUF struct buf text = BUF_INIT(DUMP_MAX);
	struct plugin plugin;
	struct error error = { 0 };

	if (plugin_load(file, &plugin, &error) < 0) {
		fprintf(stderr, "agent-sandbox-controller: %s\n", error.text);
		return 1;
	}
	plugin_dump(&plugin, &text);
	fputs(buf_str(&text), stdout);
	plugin_finish(&plugin);
	return text.failed || fflush(stdout) != 0 ? 1 : 0;
}

/* --help shows the options of whatever plugins the other flags name, as far as they load. */
static int controller_help(const struct options *options)
{
	struct plugin_set plugins = { 0 };
	struct options all = *options;
	struct error error = { 0 };

	all.extensions = true;
	if (plugin_set_load(&plugins, &all, &error) < 0) {
		fprintf(stderr,
			"agent-sandbox-controller: %s; the options of what does not load are not shown\n",
			error.text);
	}
	options_help(stdout);
	for (size_t i = 0; i < plugins.count; i++) {
		options_plugin_help(&plugins.items[i], stdout);
	}
	plugin_set_finish(&plugins);
	return fflush(stdout) != 0 ? 1 : 0;
}

static int controller_run(struct options *options)
{
	struct plugin_set plugins = { 0 };
	struct error error = { 0 };
	int result;

	if (log_set_up(options_log_format(options), options_log_level(options), &error) < 0 ||
	    plugin_set_load(&plugins, options, &error) < 0) {
		fprintf(stderr, "agent-sandbox-controller: %s\n", error.text);
		plugin_set_finish(&plugins);
		return 1;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	result = process_run(options, &plugins);
	curl_global_cleanup();
	plugin_set_finish(&plugins);
	return result < 0 ? 1 : 0;
}

static int controller_check(const struct options *options)
{
	struct error error = { 0 };
	int status;

	/* Only what is wrong goes to the log: the result is on the standard output. */
	if (log_set_up("text", "warning", &error) < 0) {
		fprintf(stderr, "agent-sandbox-controller: %s\n", error.text);
		return CHECK_CLUSTER_PARTIAL;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = check_cluster_run(options, stdout);
	curl_global_cleanup();
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error error = { 0 };

	mallopt(M_ARENA_MAX,
		2); /* an arena a thread would cost more memory than the store of a small cluster */
	/* Trees come and go between large blocks, each of which would merge the fast bins. */
	mallopt(M_MXFAST, 0);
	if (options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "agent-sandbox-controller: %s\n", error.text);
		return 2;
	}
	if (options.help) {
		return controller_help(&options);
	}
	if (options.version) {
		printf("agent-sandbox-controller %s (plugin ABI %u.%u)\n", PACKAGE_VERSION,
		       ASB_ABI_MAJOR, ASB_ABI_MINOR);
		return 0;
	}
	if (options.dump_plugin != NULL) {
		return controller_dump(options.dump_plugin);
	}
	if (options.check_cluster) {
		return controller_check(&options);
	}
	return controller_run(&options);
}
