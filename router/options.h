/* SPDX-License-Identifier: Apache-2.0 */
/* The router's flags. */
#ifndef ASB_ROUTER_OPTIONS_H
#define ASB_ROUTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "router/jail.h"

#define ROUTER_PORTS_MAX 32
/* Characters of the run directory's path. With it the paths of HAProxy's sockets have at most
 * 97. */
#define ROUTER_DIR_MAX 72

struct options {
	const char *kubeconfig;
	const char *listen, *health_address, *metrics_address, *haproxy_metrics_address;
	const char *run_dir, *haproxy;
	const char *token_file; /* NULL: requests need no token */
	const char *allow_ports;
	int64_t wait_ms, timeout_s, connections, threads, workers;
	bool enable_tracing, version, help;
	const char *log_format, *log_level;

	uint16_t allowed[ROUTER_PORTS_MAX]; /* the numbers in allow_ports */
	unsigned int allowed_count;
	struct jail jail; /* not a flag: set by jail_open */
};

/* Parses and checks the flags. Strings are borrowed from argv. -EINVAL and *reterr for wrong
 * flags. */
int options_parse(int argc, char **argv, struct options *ret, struct error *reterr);
void options_help(FILE *out);
/* The ports of pods to which requests may not go. */
struct refused_ports {
	uint16_t ports[4]; /* ends in 0 */
};
struct refused_ports options_refused(const struct options *options);

#endif
