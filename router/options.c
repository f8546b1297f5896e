/* SPDX-License-Identifier: Apache-2.0 */
/* The router's flags: the table, the defaults and the checks. Called by router/main.c. */
#include "config.h"

#include "router/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/flags.h"
#include "base/macros.h"
#include "base/number.h"

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
	{ "listen", FLAG_TEXT, AT(listen), "ADDR",
	  "address for requests to sandboxes (default :8080)", 0, 0 },
	{ "kubeconfig", FLAG_TEXT, AT(kubeconfig), "FILE",
	  "how to reach the API server (default: $KUBECONFIG, in-cluster, ~/.kube/config)", 0, 0 },
	{ "token-file", FLAG_TEXT, AT(token_file), "FILE",
	  "file of bearer tokens, one on each line, of which a request must have one; it is read again when it changes",
	  0, 0 },
	{ "allow-ports", FLAG_TEXT, AT(allow_ports), "PORTS",
	  "ports, separated by commas, that are refused by default (22,10250,10255) and are allowed here",
	  0, 0 },
	{ "wait-ms", FLAG_INTEGER, AT(wait_ms), "MS",
	  "how long a request waits for a Sandbox that is not Ready (default 2000)", 0, 60000 },
	{ "timeout-seconds", FLAG_INTEGER, AT(timeout_s), "S",
	  "how long a sandbox may be silent within a response (default 3600)", 1, 86400 },
	{ "max-connections", FLAG_INTEGER, AT(connections), "N",
	  "the most connections at a time (default 10000)", 10, 1000000 },
	{ "threads", FLAG_INTEGER, AT(threads), "N",
	  "number of threads of HAProxy (default: the number of processors)", 0, 64 },
	{ "workers", FLAG_INTEGER, AT(workers), "N",
	  "number of threads that reconcile Sandboxes (default 2)", 1, 64 },
	{ "enable-tracing", FLAG_BOOL, AT(enable_tracing), NULL,
	  "send a span for each request that has a sampled traceparent, with OTLP over HTTP", 0,
	  0 },
	{ "health-probe-bind-address", FLAG_TEXT, AT(health_address), "ADDR",
	  "address of /healthz and /readyz (default :8081)", 0, 0 },
	{ "metrics-bind-address", FLAG_TEXT, AT(metrics_address), "ADDR",
	  "address of the router's /metrics (default :8082; 0: none)", 0, 0 },
	{ "haproxy-metrics-bind-address", FLAG_TEXT, AT(haproxy_metrics_address), "ADDR",
	  "address of HAProxy's /metrics (default :8405; 0: none)", 0, 0 },
	{ "run-dir", FLAG_TEXT, AT(run_dir), "DIR",
	  "directory of HAProxy's files, an absolute path (default /run/agent-sandbox-router)", 0,
	  0 },
	{ "haproxy", FLAG_TEXT, AT(haproxy), "FILE",
	  "HAProxy program, 2.6 or newer (default /usr/sbin/haproxy)", 0, 0 },
	{ "log-format", FLAG_TEXT, AT(log_format), "FORMAT", "text (default) or json", 0, 0 },
	{ "log-level", FLAG_TEXT, AT(log_level), "LEVEL", "error, warning, info (default) or debug",
	  0, 0 },
	{ "version", FLAG_BOOL, AT(version), NULL, "print the version and exit", 0, 0 },
	{ "help", FLAG_BOOL, AT(help), NULL, "print this help and exit", 0, 0 },
	{ NULL, 0, 0, NULL, NULL, 0, 0 },
};

/* Ports on which a node, not a sandbox, listens. haproxy.cfg.in has a line for each. */
static const uint16_t options_node_ports[] = { 22, 10250, 10255 };

static bool options_allow(const struct options *options, uint16_t port)
{
	for (unsigned int i = 0; i < options->allowed_count; i++) {
		if (options->allowed[i] == port) {
			return true;
		}
	}
	return false;
}

struct refused_ports options_refused(const struct options *options)
{
	struct refused_ports left = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(options_node_ports); i++) {
		if (!options_allow(options, options_node_ports[i])) {
			left.ports[count++] = options_node_ports[i];
		}
	}
	return left;
}

static int options_parse_ports(struct options *options, struct error *reterr)
{
	const char *at = options->allow_ports;

	while (at != NULL && *at != '\0') {
		char word[8] = "";
		size_t length = strcspn(at, ",");
		int64_t port;

		if (length < sizeof(word)) {
			memcpy(word, at, length);
		}
		if (integer_parse(word, 1, UINT16_MAX, &port) < 0 ||
		    options->allowed_count == ROUTER_PORTS_MAX) {
			return error_set(
				reterr, -EINVAL,
				"--allow-ports is a list of at most %d ports, like 22,2222",
				ROUTER_PORTS_MAX);
		}
		options->allowed[options->allowed_count++] = (uint16_t)port;
		at += length + (at[length] == ',' ? 1 : 0);
	}
	return 0;
}

/* A value that goes into HAProxy's configuration must be one word there. */
static int options_check_word(const char *flag, const char *value, struct error *reterr)
{
	if (strpbrk(value, " \t\n\r\"'\\#$") != NULL || *value == '\0') {
		return error_set(
			reterr, -EINVAL,
			"--%s is empty or has a character that HAProxy's configuration cannot contain: '%s'",
			flag, value);
	}
	return 0;
}

static int options_check_dir(const char *dir, struct error *reterr)
{
	if (dir[0] != '/' || strlen(dir) > ROUTER_DIR_MAX) {
		return error_set(reterr, -EINVAL,
				 "--run-dir is an absolute path of at most %d characters, not '%s'",
				 ROUTER_DIR_MAX, dir);
	}
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *reterr)
{
	int code;

	*ret = (struct options){
		.listen = ":8080",
		.health_address = ":8081",
		.metrics_address = ":8082",
		.haproxy_metrics_address = ":8405",
		.run_dir = "/run/agent-sandbox-router",
		.haproxy = "/usr/sbin/haproxy",
		.wait_ms = 2000,
		.timeout_s = 3600,
		.connections = 10000,
		.workers = 2,
		.log_format = "text",
		.log_level = "info",
	};
	code = flags_parse(flags, "agent-sandbox-router", argc, argv, ret, reterr);
	if (code == 0) {
		code = options_parse_ports(ret, reterr);
	}
	if (code == 0) {
		code = options_check_word("listen", ret->listen, reterr);
	}
	if (code == 0) {
		code = options_check_word("run-dir", ret->run_dir, reterr);
	}
	if (code == 0) {
		code = options_check_dir(ret->run_dir, reterr);
	}
	if (code == 0) {
		code = options_check_word("haproxy-metrics-bind-address",
					  ret->haproxy_metrics_address, reterr);
	}
	return code;
}

void options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-router [FLAG]...\n"
	      "Routes requests to sandboxes: runs HAProxy and keeps its map of Sandboxes up to date.\n\nFlags:\n",
	      out);
	flags_help(flags, out);
}
