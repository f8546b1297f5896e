/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of agent-sandbox-node. */
#ifndef ASB_NODE_OPTIONS_H
#define ASB_NODE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define NODE_PODS_DEFAULT 110 /* as a kubelet */
#define NODE_WORKERS_DEFAULT 8
#define PROCESS_IMAGES_DEFAULT \
	"python-runtime-sandbox=agent-sandbox-runtime,sandbox-runtime=agent-sandbox-runtime"

/* Strings are borrowed from argv. */
struct node_options {
	bool bind, end_pods, help, version;
	const char *kubeconfig, *node_name, *node_ip, *runtime, *process_images, *state_dir;
	const char *listen_unix;
	const char *metrics_address, *health_address, *log_format, *log_level;
	int64_t max_pods, workers;
};

/* 0, or -EINVAL and *reterr for an unknown flag or a wrong value; *ret is set on success only. */
int node_options_parse(int argc, char **argv, struct node_options *ret, struct error *reterr);
void node_options_help(FILE *out);

#endif
