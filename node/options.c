/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of the node: their table, their defaults and the checks of their values. Called by
 * node/main.c. */
#include "config.h"

#include "node/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/flags.h"

#define PODS_MAX 10000 /* the fake runtime can have so many; Podman and a kernel some 1,000 */
#define WORKERS_MAX 64
#define NAME_MAX_BYTES 253 /* of a node: a DNS subdomain */

#define AT(member) offsetof(struct node_options, member)

static const struct flag options_flags[] = {
	{ "kubeconfig", FLAG_TEXT, AT(kubeconfig), "FILE",
	  "how to reach the API server (default: $KUBECONFIG, in-cluster, ~/.kube/config)", 0, 0 },
	{ "node-name", FLAG_TEXT, AT(node_name), "NAME", "name of the Node (default: hostname)", 0,
	  0 },
	{ "node-ip", FLAG_TEXT, AT(node_ip), "ADDR",
	  "address of the Node (default: of the first interface that is up)", 0, 0 },
	{ "bind", FLAG_BOOL, AT(bind), NULL,
	  "also be the scheduler: bind pods that have no node yet", 0, 0 },
	{ "runtime", FLAG_TEXT, AT(runtime), "NAME",
	  "podman (default), process (isolates nothing) or fake", 0, 0 },
	{ "process-images", FLAG_TEXT, AT(process_images), "LIST",
	  "what --runtime process runs for images, as IMAGE=PROGRAM,...", 0, 0 },
	{ "state-dir", FLAG_TEXT, AT(state_dir), "DIR",
	  "where volumes and claims are stored (default /var/lib/agent-sandbox-node)", 0, 0 },
	{ "max-pods", FLAG_INTEGER, AT(max_pods), "N", "most pods at one time (default 110)", 1,
	  PODS_MAX },
	{ "workers", FLAG_INTEGER, AT(workers), "N", "pods worked on at one time (default 8)", 1,
	  WORKERS_MAX },
	{ "listen-unix", FLAG_TEXT, AT(listen_unix), "PATH",
	  "serve logs, exec, attach and port-forward on this socket", 0, 0 },
	{ "end-pods", FLAG_BOOL, AT(end_pods), NULL,
	  "end and remove all pods of this node that the runtime has, and exit", 0, 0 },
	{ "metrics-bind-address", FLAG_TEXT, AT(metrics_address), "ADDR",
	  "address of /metrics (default 0: none)", 0, 0 },
	{ "health-probe-bind-address", FLAG_TEXT, AT(health_address), "ADDR",
	  "address of /healthz and /readyz (default 0: none)", 0, 0 },
	{ "log-format", FLAG_TEXT, AT(log_format), "FORMAT", "text (default) or json", 0, 0 },
	{ "log-level", FLAG_TEXT, AT(log_level), "LEVEL", "error, warning, info (default) or debug",
	  0, 0 },
	{ "version", FLAG_BOOL, AT(version), NULL, "print the version and exit", 0, 0 },
	{ "help", FLAG_BOOL, AT(help), NULL, "print this and exit", 0, 0 },
	{ NULL, 0, 0, NULL, NULL, 0, 0 },
};

void node_options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-node [FLAG]...\n"
	      "Runs the pods of one machine for a Kubernetes API server.\n\nFlags:\n",
	      out);
	flags_help(options_flags, out);
}

/* Refuses at the start what would only fail much later. */
static int options_check(const struct node_options *options, struct error *reterr)
{
	const char *name = options->node_name;

	if (options->state_dir[0] != '/') {
		return error_set(reterr, -EINVAL, "--state-dir takes an absolute path, not '%s'",
				 options->state_dir);
	}
	if (name != NULL &&
	    (*name == '\0' || strlen(name) > NAME_MAX_BYTES ||
	     strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(name))) {
		return error_set(
			reterr, -EINVAL,
			"--node-name takes lower case letters, digits, '-' and '.', not '%s'",
			name);
	}
	return 0;
}

int node_options_parse(int argc, char **argv, struct node_options *ret, struct error *reterr)
{
	struct node_options options = {
		.runtime = "podman",
		.process_images = PROCESS_IMAGES_DEFAULT,
		.state_dir = "/var/lib/agent-sandbox-node",
		.metrics_address = "0",
		.health_address = "0",
		.log_format = "text",
		.log_level = "info",
		.max_pods = NODE_PODS_DEFAULT,
		.workers = NODE_WORKERS_DEFAULT,
	};
	int code = flags_parse(options_flags, "agent-sandbox-node", argc, argv, &options, reterr);

	if (code == 0) {
		code = options_check(&options, reterr);
	}
	if (code == 0) {
		*ret = options;
	}
	return code;
}
