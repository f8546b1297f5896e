/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line of the node. Called by node/main.c. */
#include "config.h"

#include "node/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "base/number.h"

#define PODS_MAX 10000 /* the fake runtime bears them; Podman and a kernel some 1,000 */
#define WORKERS_MAX 64
#define NAME_MAX_BYTES 253 /* of a node: a DNS subdomain */

enum row_type { ROW_BOOL, ROW_TEXT, ROW_INTEGER };

static const struct row {
	const char *name;
	enum row_type type;
	size_t offset;
	int64_t most; /* ROW_INTEGER */
	const char *argument, *help;
} rows[] = {
#define AT(member) offsetof(struct node_options, member)
	{ "kubeconfig", ROW_TEXT, AT(kubeconfig), 0, "FILE",
	  "how to reach the API server (default: $KUBECONFIG, in-cluster, ~/.kube/config)" },
	{ "node-name", ROW_TEXT, AT(node_name), 0, "NAME", "name of the Node (default: hostname)" },
	{ "node-ip", ROW_TEXT, AT(node_ip), 0, "ADDR",
	  "address of the Node (default: of the first interface that is up)" },
	{ "bind", ROW_BOOL, AT(bind), 0, "",
	  "be the scheduler too: take pods that have no node yet" },
	{ "runtime", ROW_TEXT, AT(runtime), 0, "NAME",
	  "podman (default), process (isolates nothing) or fake" },
	{ "state-dir", ROW_TEXT, AT(state_dir), 0, "DIR",
	  "where volumes and claims live (default /var/lib/agent-sandbox-node)" },
	{ "max-pods", ROW_INTEGER, AT(max_pods), PODS_MAX, "N",
	  "most pods at one time (default 110)" },
	{ "workers", ROW_INTEGER, AT(workers), WORKERS_MAX, "N",
	  "pods worked on at one time (default 8)" },
	{ "listen-unix", ROW_TEXT, AT(listen_unix), 0, "PATH",
	  "serve the logs of containers on this socket" },
	{ "end-pods", ROW_BOOL, AT(end_pods), 0, "",
	  "end and remove all pods of this node that the runtime has, and exit" },
	{ "metrics-bind-address", ROW_TEXT, AT(metrics_address), 0, "ADDR",
	  "address of /metrics (default 0: none)" },
	{ "health-probe-bind-address", ROW_TEXT, AT(health_address), 0, "ADDR",
	  "address of /healthz and /readyz (default 0: none)" },
	{ "log-format", ROW_TEXT, AT(log_format), 0, "FORMAT", "text (default) or json" },
	{ "log-level", ROW_TEXT, AT(log_level), 0, "LEVEL",
	  "error, warning, info (default) or debug" },
	{ "version", ROW_BOOL, AT(version), 0, "", "print the version and exit" },
	{ "help", ROW_BOOL, AT(help), 0, "", "print this and exit" },
#undef AT
};

void node_options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-node [FLAG]...\n"
	      "Runs the pods of one machine for a Kubernetes API server.\n\nFlags:\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int width = fprintf(out, "  --%s%s%s", rows[i].name,
				    *rows[i].argument != '\0' ? " " : "", rows[i].argument);

		fprintf(out, "%*s%s\n", width < 38 ? 38 - width : 1, "", rows[i].help);
	}
}

static const struct row *find_row(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static int set_value(struct node_options *options, const struct row *row, const char *value,
		     struct error *reterr)
{
	void *at = (char *)options + row->offset;

	if (row->type == ROW_TEXT) {
		*(const char **)at = value;
	} else if (row->type == ROW_INTEGER) {
		if (integer_parse(value, 1, row->most, at) < 0) {
			return error_set(reterr, -EINVAL, "--%s takes 1 to %lld, not '%s'",
					 row->name, (long long)row->most, value);
		}
	} else if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
		*(bool *)at = true;
	} else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
		*(bool *)at = false;
	} else {
		return error_set(reterr, -EINVAL, "--%s takes true or false, not '%s'", row->name,
				 value);
	}
	return 0;
}

/* One argument; *at moves to the last one it used. */
static int parse_one(int argc, char **argv, int *at, struct node_options *options,
		     struct error *reterr)
{
	const char *text = argv[*at], *value;
	const struct row *row;
	size_t length;

	if (text[0] != '-' || text[1] == '\0') {
		return error_set(reterr, -EINVAL, "unknown flag '%s'; see --help", text);
	}
	text += text[1] == '-' ? 2 : 1;
	length = strcspn(text, "=");
	row = find_row(text, length);
	if (row == NULL) {
		return error_set(reterr, -EINVAL, "unknown flag '%s'; see --help", argv[*at]);
	}
	value = text[length] == '=' ? text + length + 1 : NULL;
	if (value == NULL && row->type != ROW_BOOL) {
		if (*at + 1 == argc) {
			return error_set(reterr, -EINVAL, "flag '%s' needs a value", argv[*at]);
		}
		value = argv[++*at];
	}
	return set_value(options, row, value, reterr);
}

/* What would only show much later, or badly. */
static int check(const struct node_options *options, struct error *reterr)
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
		.state_dir = "/var/lib/agent-sandbox-node",
		.metrics_address = "0",
		.health_address = "0",
		.log_format = "text",
		.log_level = "info",
		.max_pods = NODE_PODS_DEFAULT,
		.workers = NODE_WORKERS_DEFAULT,
	};

	for (int at = 1; at < argc; at++) {
		int error = parse_one(argc, argv, &at, &options, reterr);

		if (error < 0) {
			return error;
		}
	}
	if (check(&options, reterr) < 0) {
		return -EINVAL;
	}
	*ret = options;
	return 0;
}
