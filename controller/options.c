/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line from a table. Called by controller/main.c. */
#include "config.h"

#include "controller/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/flags.h"
#include "base/memory.h"
#include "base/number.h"

#define WORKERS_MAX 1024

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
	{ "extensions", FLAG_BOOL, AT(extensions), NULL,
	  "load the plugins template, claim and warmpool too", 0, 0 },
	{ "kubeconfig", FLAG_TEXT, AT(kubeconfig), "FILE",
	  "how to reach the API server (default: $KUBECONFIG, in-cluster, ~/.kube/config)", 0, 0 },
	{ "leader-elect", FLAG_BOOL, AT(leader_elect), NULL,
	  "reconcile only while holding both leases of agent-sandbox controllers (default true)", 0,
	  0 },
	{ "leader-election-namespace", FLAG_TEXT, AT(leader_election_namespace), "NS",
	  "namespace of the leases (default: the namespace of this pod)", 0, 0 },
	{ "metrics-bind-address", FLAG_TEXT, AT(metrics_address), "ADDR",
	  "address of /metrics (default :8080; port 0 takes any free port; 0 disables it)", 0, 0 },
	{ "health-probe-bind-address", FLAG_TEXT, AT(health_address), "ADDR",
	  "address of /healthz and /readyz (default :8081)", 0, 0 },
	{ "enable-tracing", FLAG_BOOL, AT(enable_tracing), NULL,
	  "send a span of each reconcile and write for a claim with a trace context (OTLP over HTTP)",
	  0, 0 },
	{ "kube-api-qps", FLAG_NUMBER, AT(kube_api_qps), "N",
	  "maximum number of requests per second (default -1: no limit)", -1, 1000000000 },
	{ "kube-api-burst", FLAG_INTEGER, AT(kube_api_burst), "N",
	  "number of requests that may exceed that rate at once (default 10)", 1, INT32_MAX },
	{ "pod-label-selector", FLAG_TEXT, AT(pod_label_selector), "SELECTOR",
	  "watch only pods with these labels, for clusters with many other pods", 0, 0 },
	{ "plugin-dir", FLAG_TEXT, AT(plugin_dir), "DIR",
	  "directory of the plugins (default " PLUGIN_DIR "); loads additional plugins found there",
	  0, 0 },
	{ "plugin", FLAG_OTHER, 0, "FILE", "load one more plugin; may be repeated", 0, 0 },
	{ "check-cluster", FLAG_BOOL, AT(check_cluster), NULL,
	  "print what is found in the cluster and what to do before the start, and exit", 0, 0 },
	{ "dump-plugin", FLAG_TEXT, AT(dump_plugin), "FILE",
	  "print the tables of a plugin as JSON and exit", 0, 0 },
	{ "log-format", FLAG_TEXT, AT(log_format), "FORMAT", "text (default) or json", 0, 0 },
	{ "log-level", FLAG_TEXT, AT(log_level), "LEVEL", "error, warning, info (default) or debug",
	  0, 0 },
	{ "version", FLAG_BOOL, AT(version), NULL, "print the version and exit", 0, 0 },
	{ "help", FLAG_BOOL, AT(help), NULL, "print this help and exit", 0, 0 },
	{ NULL, 0, 0, NULL, NULL, 0, 0 },
};

#define OPTIONS_FLAGS_MAX (ARRAY_LEN(flags) + GO_FLAGS_MAX)

/* Our own flags and those of the Go controller, as one table. */
static void options_flags(struct flag ret[OPTIONS_FLAGS_MAX])
{
	size_t count = 0;

	for (const struct flag *flag = flags; flag->name != NULL; flag++) {
		ret[count++] = *flag;
	}
	for (const struct go_flag *flag = go_flags; flag->name != NULL; flag++) {
		ret[count++] = go_flag_row(flag);
	}
	ret[count] = (struct flag){ 0 };
}

void options_help(FILE *out)
{
	struct flag all[OPTIONS_FLAGS_MAX];

	options_flags(all);
	fputs("Usage: agent-sandbox-controller [FLAG]...\n"
	      "Runs the reconcilers of agent-sandbox against a Kubernetes API server.\n\nFlags:\n",
	      out);
	flags_help(all, out);
	fputs("\nOptions of plugins, --<plugin>.<name>; every plugin has the option workers, its number of threads:\n",
	      out);
}

void options_plugin_help(const struct plugin *plugin, FILE *out)
{
	for (uint32_t i = 0; i < plugin->option_count; i++) {
		const struct asb_option *option = &plugin->options[i];
		const char *fallback = option->file != NULL ? option->file : option->fallback;
		int width = fprintf(out, "  --%s.%s", plugin->head.name, option->name);

		fprintf(out, "%*s%s (default %s)\n", width < 44 ? 44 - width : 1, "",
			option->help != NULL ? option->help : "",
			fallback != NULL && *fallback != '\0' ? fallback : "none");
	}
}

static int options_add_setting(struct options *options, const char *plugin, size_t plugin_length,
			       const char *name, struct option_setting **ret, struct error *reterr)
{
	struct option_setting *setting = &options->settings[options->setting_count];

	if (options->setting_count == OPTIONS_SETTINGS_MAX ||
	    plugin_length >= sizeof(setting->plugin)) {
		return error_set(
			reterr, -EINVAL,
			"too many options of plugins, or the name of a plugin is too long");
	}
	memcpy(setting->plugin, plugin, plugin_length);
	setting->name = name;
	options->setting_count++;
	*ret = setting;
	return 0;
}

static bool options_is_named(const char *text, size_t length, const char *name)
{
	return length == strlen(name) && strncmp(text, name, length) == 0;
}

/* A flag of the Go controller. */
static int options_go(struct options *options, int number, const char *value, struct error *reterr)
{
	const struct go_flag *flag = &go_flags[number];
	struct option_setting *setting = NULL;
	char text[GO_FLAG_VALUE_MAX];
	int code = go_flag_value(flag, value, text, reterr);

	if (code < 0) {
		return code;
	}
	if (flag->option == NULL) {
		options->idle[number] = true;
	} else if (flag->plugin == NULL) {
		memcpy(flag->value == GO_LOG_FORMAT ? options->zap_format : options->zap_level,
		       text, sizeof(text));
	} else {
		code = options_add_setting(options, flag->plugin, strlen(flag->plugin),
					   flag->option, &setting, reterr);
	}
	if (setting != NULL) {
		setting->go_flag = number + 1;
		memcpy(setting->text, text, sizeof(text));
	}
	return code;
}

/* --plugin, the flags of the Go controller, and --<plugin>.<name>. */
static int options_other(void *target, const char *name, size_t length, const char *value,
			 struct error *reterr)
{
	struct options *options = target;
	const char *dot = memchr(name, '.', length);
	int number = go_flag_find(name, length);

	if (number < 0 && dot == NULL && !options_is_named(name, length, "plugin")) {
		return -ENOENT;
	}
	if (value == NULL) {
		return -ENODATA;
	}
	if (number >= 0) {
		return options_go(options, number, value, reterr);
	}
	if (dot != NULL) {
		struct option_setting *setting = NULL;
		int code = options_add_setting(options, name, (size_t)(dot - name), dot + 1,
					       &setting, reterr);

		if (setting != NULL) {
			setting->value = value;
		}
		return code;
	}
	if (options->plugin_count == OPTIONS_PLUGINS_MAX) {
		return error_set(reterr, -EINVAL, "--plugin may be given at most %d times",
				 OPTIONS_PLUGINS_MAX);
	}
	options->plugins[options->plugin_count++] = value;
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *reterr)
{
	struct options options = {
		.leader_elect = true,
		.metrics_address = ":8080",
		.health_address = ":8081",
		.plugin_dir = PLUGIN_DIR,
		.kube_api_qps = -1,
		.kube_api_burst = 10,
	};
	struct flag all[OPTIONS_FLAGS_MAX];
	int code;

	options_flags(all);
	code = flags_parse_with(all, "agent-sandbox-controller", options_other, argc, argv,
				&options, reterr);

	if (code < 0) {
		return code;
	}
	*ret = options;
	return 0;
}

/* Our own flag counts, else zap's. */
const char *options_log_format(const struct options *options)
{
	return options->log_format != NULL      ? options->log_format
	       : options->zap_format[0] != '\0' ? options->zap_format
						: "text";
}

const char *options_log_level(const struct options *options)
{
	return options->log_level != NULL      ? options->log_level
	       : options->zap_level[0] != '\0' ? options->zap_level
					       : "info";
}

static const char *options_setting_value(const struct option_setting *setting)
{
	return setting->value != NULL ? setting->value : setting->text;
}

/* A setting's name may end in "=value". */
static bool options_setting_is_named(const struct option_setting *setting, const char *name)
{
	return options_is_named(setting->name, strcspn(setting->name, "="), name);
}

static int options_setting_apply(struct options *options, struct option_setting *setting,
				 const struct plugin *plugin, const char **values,
				 uint32_t *ret_workers, struct error *reterr)
{
	const char *value = options_setting_value(setting);
	int64_t workers;

	setting->used = true;
	if (options_setting_is_named(setting, "workers")) {
		if (integer_parse(value, 1, WORKERS_MAX, &workers) < 0) {
			return error_set(reterr, -EINVAL,
					 "plugin '%s' takes 1 to %d workers, not '%s'",
					 plugin->head.name, WORKERS_MAX, value);
		}
		*ret_workers = (uint32_t)workers;
		return 0;
	}
	for (uint32_t i = 0; i < plugin->option_count; i++) {
		if (options_setting_is_named(setting, plugin->options[i].name)) {
			values[i] = value;
			return 0;
		}
	}
	if (setting->go_flag > 0) {
		options->idle[setting->go_flag - 1] = true;
		return 0;
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
		    options_setting_apply(options, setting, plugin, values, ret_workers, reterr) <
			    0) {
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

		/* Manifests set the workers of all four plugins, even when --extensions is off. */
		if (!setting->used && !options_builtin(setting->plugin)) {
			return error_set(reterr, -EINVAL, "--%s.%.*s: no plugin '%s' is loaded",
					 setting->plugin, (int)strcspn(setting->name, "="),
					 setting->name, setting->plugin);
		}
	}
	return 0;
}

bool options_idle_flags(const struct options *options, struct buf *out)
{
	size_t before = out->length;

	for (size_t i = 0; go_flags[i].name != NULL; i++) {
		if (options->idle[i]) {
			buf_printf(out, "%s--%s", out->length > before ? ", " : "",
				   go_flags[i].name);
		}
	}
	return out->length > before;
}
