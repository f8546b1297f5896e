/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line from a table. Called by controller/main.c. */
#include "config.h"

#include "controller/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

#define WORKERS_MAX 1024

enum option_type {
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_NUMBER,
	OPTION_INTEGER,
	OPTION_PLUGIN,
	OPTION_ALIAS
};

struct option_row {
	const char *name;
	enum option_type type;
	size_t offset;        /* in struct options */
	const char *argument; /* for --help */
	const char *help;
	const char *plugin, *option; /* OPTION_ALIAS: what it is another name for */
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "extensions", OPTION_BOOL, AT(extensions), "",
	  "load the plugins template, claim and warmpool too", 0, 0 },
	{ "kubeconfig", OPTION_TEXT, AT(kubeconfig), "FILE",
	  "how to reach the API server (default: $KUBECONFIG, in-cluster, ~/.kube/config)", 0, 0 },
	{ "leader-elect", OPTION_BOOL, AT(leader_elect), "",
	  "work only while holding the lease a3317529.x-k8s.io", 0, 0 },
	{ "leader-election-namespace", OPTION_TEXT, AT(leader_election_namespace), "NS",
	  "namespace of the lease (default: the pod's own)", 0, 0 },
	{ "metrics-bind-address", OPTION_TEXT, AT(metrics_address), "ADDR",
	  "address of /metrics (default :8080; port 0: any free one; 0: none)", 0, 0 },
	{ "health-probe-bind-address", OPTION_TEXT, AT(health_address), "ADDR",
	  "address of /healthz and /readyz (default :8081)", 0, 0 },
	{ "cluster-domain", OPTION_ALIAS, 0, "DOMAIN",
	  "domain of serviceFQDN (default cluster.local)", "sandbox", "cluster-domain" },
	{ "enable-tracing", OPTION_BOOL, AT(enable_tracing), "",
	  "send spans of reconciles and writes under a claim's trace context by OTLP over HTTP", 0,
	  0 },
	{ "kube-api-qps", OPTION_NUMBER, AT(kube_api_qps), "N",
	  "most requests a second (default -1: no limit)", 0, 0 },
	{ "kube-api-burst", OPTION_INTEGER, AT(kube_api_burst), "N",
	  "requests at once above that rate (default 10)", 0, 0 },
	{ "sandbox-concurrent-workers", OPTION_ALIAS, 0, "N", "threads of the plugin sandbox",
	  "sandbox", "workers" },
	{ "sandbox-claim-concurrent-workers", OPTION_ALIAS, 0, "N", "threads of the plugin claim",
	  "claim", "workers" },
	{ "sandbox-warm-pool-concurrent-workers", OPTION_ALIAS, 0, "N",
	  "threads of the plugin warmpool", "warmpool", "workers" },
	{ "sandbox-template-concurrent-workers", OPTION_ALIAS, 0, "N",
	  "threads of the plugin template", "template", "workers" },
	{ "pod-label-selector", OPTION_TEXT, AT(pod_label_selector), "SELECTOR",
	  "watch only pods with these labels, on shared clusters", 0, 0 },
	{ "plugin-dir", OPTION_TEXT, AT(plugin_dir), "DIR",
	  "directory of the plugins (default " PLUGIN_DIR "); others' plugins in it load too", 0,
	  0 },
	{ "plugin", OPTION_PLUGIN, 0, "FILE", "load another plugin; may be repeated", 0, 0 },
	{ "dump-plugin", OPTION_TEXT, AT(dump_plugin), "FILE",
	  "print a plugin's tables as JSON and exit", 0, 0 },
	{ "log-format", OPTION_TEXT, AT(log_format), "FORMAT", "text (default) or json", 0, 0 },
	{ "log-level", OPTION_TEXT, AT(log_level), "LEVEL",
	  "error, warning, info (default) or debug", 0, 0 },
	{ "version", OPTION_BOOL, AT(version), "", "print the version and exit", 0, 0 },
	{ "help", OPTION_BOOL, AT(help), "", "print this and exit", 0, 0 },
};

void options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-controller [FLAG]...\n"
	      "Runs the reconcilers of agent-sandbox against a Kubernetes API server.\n\nFlags:\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int width = fprintf(out, "  --%s%s%s", rows[i].name,
				    *rows[i].argument != '\0' ? " " : "", rows[i].argument);

		fprintf(out, "%*s%s\n", width < 44 ? 44 - width : 1, "", rows[i].help);
	}
	fputs("\nOptions of plugins, --<plugin>.<name>; each plugin has workers, the number of its threads:\n",
	      out);
}

void options_plugin_help(const struct plugin *plugin, FILE *out)
{
	for (uint32_t i = 0; i < plugin->option_count; i++) {
		const struct asb_option *option = &plugin->options[i];
		int width = fprintf(out, "  --%s.%s", plugin->head.name, option->name);

		fprintf(out, "%*s%s (default %s)\n", width < 44 ? 44 - width : 1, "",
			option->help != NULL ? option->help : "",
			option->fallback != NULL ? option->fallback : "none");
	}
}

static const struct option_row *find_row(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static int add_setting(struct options *options, const char *plugin, size_t plugin_length,
		       const char *name, const char *value, struct error *reterr)
{
	struct option_setting *setting = &options->settings[options->setting_count];

	if (options->setting_count == OPTIONS_SETTINGS_MAX ||
	    plugin_length >= sizeof(setting->plugin)) {
		return error_set(
			reterr, -EINVAL,
			"too many options of plugins, or a plugin's name that is too long");
	}
	memcpy(setting->plugin, plugin, plugin_length);
	setting->name = name;
	setting->value = value;
	options->setting_count++;
	return 0;
}

static int set_bool(bool *flag, const char *name, const char *value, struct error *reterr)
{
	if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
		*flag = true;
	} else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
		*flag = false;
	} else {
		return error_set(reterr, -EINVAL, "--%s takes true or false, not '%s'", name,
				 value);
	}
	return 0;
}

static int set_value(struct options *options, const struct option_row *row, const char *value,
		     struct error *reterr)
{
	char *at = (char *)options + row->offset;

	switch (row->type) {
	case OPTION_BOOL:
		return set_bool((bool *)(void *)at, row->name, value, reterr);
	case OPTION_TEXT:
		*(const char **)(void *)at = value;
		return 0;
	case OPTION_NUMBER:
		return number_parse(value, -1, 1e9, (double *)(void *)at) == 0
			       ? 0
			       : error_set(reterr, -EINVAL, "--%s takes a number from -1, not '%s'",
					   row->name, value);
	case OPTION_INTEGER:
		return integer_parse(value, 1, INT32_MAX, (int64_t *)(void *)at) == 0
			       ? 0
			       : error_set(reterr, -EINVAL,
					   "--%s takes a whole number from 1, not '%s'", row->name,
					   value);
	case OPTION_PLUGIN:
		if (options->plugin_count == OPTIONS_PLUGINS_MAX) {
			return error_set(reterr, -EINVAL, "--plugin may be given %d times",
					 OPTIONS_PLUGINS_MAX);
		}
		options->plugins[options->plugin_count++] = value;
		return 0;
	default:
		return add_setting(options, row->plugin, strlen(row->plugin), row->option, value,
				   reterr);
	}
}

/* One argument; *at moves to the last one it used. */
static int parse_one(int argc, char **argv, int *at, struct options *options, struct error *reterr)
{
	const char *text = argv[*at], *value, *dot;
	const struct option_row *row;
	size_t length;

	if (text[0] != '-' || text[1] == '\0') {
		return error_set(reterr, -EINVAL, "unknown flag '%s'; see --help", text);
	}
	text += text[1] == '-' ? 2 : 1;
	length = strcspn(text, "=");
	value = text[length] == '=' ? text + length + 1 : NULL;
	row = find_row(text, length);
	dot = memchr(text, '.', length);
	if (row == NULL && dot == NULL) {
		return error_set(reterr, -EINVAL, "unknown flag '%s'; see --help", argv[*at]);
	}
	if (value == NULL && (row == NULL || row->type != OPTION_BOOL)) {
		if (*at + 1 == argc) {
			return error_set(reterr, -EINVAL, "flag '%s' needs a value", argv[*at]);
		}
		value = argv[++*at];
	}
	if (row != NULL) {
		return set_value(options, row, value, reterr);
	}
	return add_setting(options, text, (size_t)(dot - text), dot + 1, value, reterr);
}

int options_parse(int argc, char **argv, struct options *ret, struct error *reterr)
{
	struct options options = {
		.metrics_address = ":8080",
		.health_address = ":8081",
		.plugin_dir = PLUGIN_DIR,
		.log_format = "text",
		.log_level = "info",
		.kube_api_qps = -1,
		.kube_api_burst = 10,
	};

	for (int at = 1; at < argc; at++) {
		int error = parse_one(argc, argv, &at, &options, reterr);

		if (error < 0) {
			return error;
		}
	}
	*ret = options;
	return 0;
}

/* Whether a setting's name, which may end in "=value", is this one. */
static bool is_named(const struct option_setting *setting, const char *name)
{
	size_t length = strcspn(setting->name, "=");

	return length == strlen(name) && strncmp(setting->name, name, length) == 0;
}

static int apply(struct option_setting *setting, const struct plugin *plugin, const char **values,
		 uint32_t *ret_workers, struct error *reterr)
{
	int64_t workers;

	setting->used = true;
	if (is_named(setting, "workers")) {
		if (integer_parse(setting->value, 1, WORKERS_MAX, &workers) < 0) {
			return error_set(reterr, -EINVAL,
					 "plugin '%s' takes 1 to %d workers, not '%s'",
					 plugin->head.name, WORKERS_MAX, setting->value);
		}
		*ret_workers = (uint32_t)workers;
		return 0;
	}
	for (uint32_t i = 0; i < plugin->option_count; i++) {
		if (is_named(setting, plugin->options[i].name)) {
			values[i] = setting->value;
			return 0;
		}
	}
	return error_set(reterr, -EINVAL, "plugin '%s' has no option '%.*s'; see --help",
			 plugin->head.name, (int)strcspn(setting->name, "="), setting->name);
}

int options_for_plugin(struct options *options, const struct plugin *plugin,
		       const char ***ret_values, uint32_t *ret_workers, struct error *reterr)
{
	const char **values = xnew_array(const char *, plugin->option_count);

	*ret_workers = 0;
	for (size_t i = 0; i < options->setting_count; i++) {
		struct option_setting *setting = &options->settings[i];

		if (strcmp(setting->plugin, plugin->head.name) == 0 &&
		    apply(setting, plugin, values, ret_workers, reterr) < 0) {
			free(values);
			return -EINVAL;
		}
	}
	*ret_values = values;
	return 0;
}

bool options_builtin(const char *plugin)
{
	static const char *const names[] = { "sandbox", "template", "claim", "warmpool" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], plugin) == 0) {
			return true;
		}
	}
	return false;
}

int options_check_used(const struct options *options, struct error *reterr)
{
	for (size_t i = 0; i < options->setting_count; i++) {
		const struct option_setting *setting = &options->settings[i];

		/* Manifests set the workers of all four, also where --extensions is off. */
		if (!setting->used && !options_builtin(setting->plugin)) {
			return error_set(reterr, -EINVAL, "--%s.%.*s: no plugin '%s' is loaded",
					 setting->plugin, (int)strcspn(setting->name, "="),
					 setting->name, setting->plugin);
		}
	}
	return 0;
}
