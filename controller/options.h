/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of agent-sandbox-controller: one table makes the parser, --help and the checks.
 * Go's spelling with one dash works too, as do "--flag=value" and "--flag value". Options of
 * plugins are --<plugin>.<name>; the flags of the Go controller are in controller/go-flags.h.
 */
#ifndef ASB_CONTROLLER_OPTIONS_H
#define ASB_CONTROLLER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "controller/go-flags.h"
#include "core/controller/plugin.h"

#define OPTIONS_PLUGINS_MAX 32 /* --plugin */
#define OPTIONS_SETTINGS_MAX 128

/* --<plugin>.<name>=value, not matched with a plugin yet. */
struct option_setting {
	char plugin[48];
	const char *name;             /* borrowed from argv or static */
	const char *value;            /* borrowed from argv; NULL: text is the value */
	char text[GO_FLAG_VALUE_MAX]; /* of a flag of the Go controller */
	int go_flag;                  /* its number and 1; 0: none */
	bool used;
};

/* Strings are borrowed from argv. */
struct options {
	bool extensions, leader_elect, enable_tracing, check_cluster, version, help;
	const char *kubeconfig, *leader_election_namespace, *metrics_address, *health_address;
	const char *plugin_dir, *pod_label_selector, *dump_plugin;
	/* NULL when not given: options_log_format, options_log_level */
	const char *log_format, *log_level;
	char zap_format[GO_FLAG_VALUE_MAX], zap_level[GO_FLAG_VALUE_MAX];
	double kube_api_qps; /* 0 and less: no limit */
	int64_t kube_api_burst;
	const char *plugins[OPTIONS_PLUGINS_MAX];
	size_t plugin_count;
	struct option_setting settings[OPTIONS_SETTINGS_MAX];
	size_t setting_count;
	bool idle[GO_FLAGS_MAX]; /* flags of the Go controller that were given without effect */
};

/* -EINVAL and *reterr, with what to do, for what is not understood. */
int options_parse(int argc, char **argv, struct options *ret, struct error *reterr);
void options_help(FILE *out);
/* The plugin's own options, as --help shows them. */
void options_plugin_help(const struct plugin *plugin, FILE *out);

const char *options_log_format(const struct options *options);
const char *options_log_level(const struct options *options);
/* The values of a plugin's options from the settings: an array of option_count pointers (NULL: the
 * fallback), to be freed, which point into options; *ret_workers from --<plugin>.workers, 0 when not
 * given. */
int options_for_plugin(struct options *options, const struct plugin *plugin,
		       const char ***ret_values, uint32_t *ret_workers, struct error *reterr);
/* Whether this is the name of one of the four plugins of this project. */
bool options_builtin(const char *plugin);
/* A setting that no plugin has taken is an error. */
int options_check_used(const struct options *options, struct error *reterr);
/* Appends the flags that were given without effect, after options_for_plugin of all plugins. False
 * when there are none. */
bool options_idle_flags(const struct options *options, struct buf *out);

#endif
