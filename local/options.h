/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of agent-sandbox-local: a command and its flags, written --flag=value or --flag
 * value, with one dash or two. */
#ifndef ASB_LOCAL_OPTIONS_H
#define ASB_LOCAL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Strings are borrowed from argv. */
struct local_options {
	const char *command; /* "up", "down", "status" or "serve"; NULL with help or version */
	const char *state_dir, *address, *kubeconfig, *node_socket, *audit_log, *log_format,
		*log_level;
	const char *pods; /* "podman" by default */
	const char *plugin_dir, *first_image;
	int64_t port, router_port;
	bool no_router, help, version;
};

/* -EINVAL and *reterr, which says what to do, when the command line is wrong. */
int local_options_parse(int argc, char **argv, struct local_options *ret, struct error *reterr);
void local_options_help(FILE *out);
/* The state directory, which the caller owns: --state-dir, or /var/lib/agent-sandbox for root,
 * or $XDG_STATE_HOME/agent-sandbox (~/.local/state/agent-sandbox). NULL: there is no home
 * directory. */
char *local_options_state_dir(const struct local_options *options);

#endif
