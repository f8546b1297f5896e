/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line with a table of flags. Called by local/main.c. */
#include "config.h"

#include "local/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"

enum row_type { ROW_TEXT, ROW_PORT, ROW_BOOL };

/* The commands that take a flag. */
#define UP (1u << 0)
#define DOWN (1u << 1)
#define STATUS (1u << 2)
#define SERVE (1u << 3)
#define ANY (UP | DOWN | STATUS | SERVE)

static const struct {
	const char *name;
	unsigned int bit;
	const char *help;
} commands[] = {
	{ "up", UP,
	  "run API, node, controller and, if HAProxy is installed, the router; Ctrl-C ends them" },
	{ "down", DOWN, "end the `up` that runs, and wait until it has ended" },
	{ "status", STATUS,
	  "print what runs; the exit status is 0 if all is ready, 1 if not, 3 if nothing runs" },
	{ "serve", SERVE, "run the API alone; prints the path of the kubeconfig when it is ready" },
};

struct option_row {
	const char *name;
	enum row_type type;
	size_t offset; /* in struct local_options */
	unsigned int commands;
	const char *argument, *help;
};

#define AT(member) offsetof(struct local_options, member)

static const struct option_row rows[] = {
	{ "state-dir", ROW_TEXT, AT(state_dir), ANY, "DIR",
	  "directory of objects, keys and the kubeconfig (default /var/lib/agent-sandbox for root, ~/.local/state/agent-sandbox for other users)" },
	{ "pods", ROW_TEXT, AT(pods), UP, "RUNTIME",
	  "how pods run: podman (default), as containers; process, as plain processes of this machine, NOT isolated; fake, not at all, but they are Ready" },
	{ "port", ROW_PORT, AT(port), UP | SERVE, "N",
	  "port of the API (default 0: for up the port of the last run, otherwise a free port)" },
	{ "router-port", ROW_PORT, AT(router_port), UP, "N",
	  "port of the router (default 0: the port of the last run, otherwise a free port)" },
	{ "no-router", ROW_BOOL, AT(no_router), UP, "", "do not run the router" },
	{ "kubeconfig", ROW_TEXT, AT(kubeconfig), UP | SERVE, "FILE",
	  "file to write the kubeconfig to (default: kubeconfig in the state directory)" },
	{ "audit-log", ROW_TEXT, AT(audit_log), UP | SERVE, "FILE",
	  "file to log each write to, in the format of kube-apiserver (default: none)" },
	{ "plugin-dir", ROW_TEXT, AT(plugin_dir), UP, "DIR",
	  "directory of the controller's plugins (default: in a build directory .libs, otherwise the installed one)" },
	{ "first-image", ROW_TEXT, AT(first_image), UP, "FILE",
	  "program that builds the first images, such as scripts/build-image.sh; it runs at each start until it has succeeded once" },
	{ "address", ROW_TEXT, AT(address), SERVE, "IP",
	  "IPv4 address to listen on (default 127.0.0.1)" },
	{ "node-socket", ROW_TEXT, AT(node_socket), SERVE, "FILE",
	  "Unix socket of the node, for logs, exec and port-forward (default: node.sock in the state directory)" },
	{ "log-format", ROW_TEXT, AT(log_format), ANY, "FORMAT", "text (default) or json" },
	{ "log-level", ROW_TEXT, AT(log_level), ANY, "LEVEL",
	  "error, warning, info (default) or debug" },
	{ "help", ROW_BOOL, AT(help), ANY, "", "print this help and exit" },
	{ "version", ROW_BOOL, AT(version), ANY, "", "print the version and exit" },
};

static const struct option_row *local_options_find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static int local_options_set(struct local_options *options, const struct option_row *row,
			     const char *value, struct error *reterr)
{
	void *place = (char *)options + row->offset;

	if (row->type == ROW_BOOL) {
		*(bool *)place = true;
		return 0;
	}
	if (row->type == ROW_TEXT) {
		*(const char **)place = value;
		return *value != '\0' ? 0
				      : error_set(reterr, -EINVAL, "--%s needs a value", row->name);
	}
	return integer_parse(value, 0, UINT16_MAX, place) == 0
		       ? 0
		       : error_set(reterr, -EINVAL,
				   "--%s '%s' is not a port number from 0 to 65535", row->name,
				   value);
}

/* Parses the flag at argv[*at], and moves *at to its value if that is the next argument. */
static int local_options_take_flag(int argc, char **argv, int *at, struct local_options *options,
				   uint32_t *used, struct error *reterr)
{
	const char *text = argv[*at] + strspn(argv[*at], "-");
	size_t length = strcspn(text, "=");
	const struct option_row *row = local_options_find(text, length);
	const char *value = text[length] == '=' ? text + length + 1 : NULL;

	if (row == NULL) {
		return error_set(reterr, -EINVAL,
				 "unknown flag '%s'; see agent-sandbox-local --help", argv[*at]);
	}
	if (row->type == ROW_BOOL && value != NULL) {
		return error_set(reterr, -EINVAL, "--%s takes no value", row->name);
	}
	if (row->type != ROW_BOOL && value == NULL) {
		if (*at + 1 >= argc) {
			return error_set(reterr, -EINVAL, "--%s needs a value", row->name);
		}
		value = argv[++*at];
	}
	*used |= UINT32_C(1) << (row - rows);
	return local_options_set(options, row, value, reterr);
}

/* The bit of a command; 0: the command is unknown. */
static unsigned int local_options_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (name != NULL && strcmp(commands[i].name, name) == 0) {
			return commands[i].bit;
		}
	}
	return 0;
}

/* used: a bit for each flag that was given. */
static int local_options_check(const struct local_options *options, uint32_t used,
			       struct error *reterr)
{
	unsigned int command = local_options_command(options->command);

	if (command == 0) {
		return error_set(reterr, -EINVAL,
				 "unknown command '%s'; the commands are: up, down, status, serve",
				 options->command != NULL ? options->command : "");
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((used >> i & 1) != 0 && (rows[i].commands & command) == 0) {
			return error_set(
				reterr, -EINVAL,
				"the command '%s' does not take --%s; see agent-sandbox-local --help",
				options->command, rows[i].name);
		}
	}
	if (strcmp(options->pods, "podman") != 0 && strcmp(options->pods, "process") != 0 &&
	    strcmp(options->pods, "fake") != 0) {
		return error_set(reterr, -EINVAL, "--pods takes podman, process or fake, not '%s'",
				 options->pods);
	}
	return 0;
}

int local_options_parse(int argc, char **argv, struct local_options *ret, struct error *reterr)
{
	uint32_t used = 0;

	*ret = (struct local_options){ .pods = "podman" };
	for (int at = 1; at < argc; at++) {
		if (argv[at][0] == '-') {
			int code = local_options_take_flag(argc, argv, &at, ret, &used, reterr);

			if (code < 0) {
				return code;
			}
		} else if (ret->command == NULL) {
			ret->command = argv[at];
		} else {
			return error_set(reterr, -EINVAL,
					 "unexpected argument '%s'; see agent-sandbox-local --help",
					 argv[at]);
		}
	}
	return ret->help || ret->version ? 0 : local_options_check(ret, used, reterr);
}

static void local_options_print_commands(const struct option_row *row, FILE *out)
{
	const char *before = " (";

	for (size_t i = 0; row->commands != ANY && i < ARRAY_LEN(commands); i++) {
		if ((row->commands & commands[i].bit) != 0) {
			fprintf(out, "%s%s", before, commands[i].name);
			before = ", ";
		}
	}
	fputs(row->commands != ANY ? ")\n" : "\n", out);
}

void local_options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-local COMMAND [FLAG]...\n"
	      "A Kubernetes-compatible API with agent-sandbox on one machine.\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		fprintf(out, "  %-8s%s\n", commands[i].name, commands[i].help);
	}
	fputs("\nFlags, and the commands they are for:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fprintf(out, "  --%s%s%s", rows[i].name, *rows[i].argument != '\0' ? " " : "",
			rows[i].argument);
		local_options_print_commands(&rows[i], out);
		fprintf(out, "        %s\n", rows[i].help);
	}
}

char *local_options_state_dir(const struct local_options *options)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (options->state_dir != NULL) {
		return xstrdup(options->state_dir);
	}
	if (geteuid() == 0) {
		return xstrdup("/var/lib/agent-sandbox");
	}
	if (state != NULL && *state == '/') {
		return xprintf("%s/agent-sandbox", state);
	}
	return home != NULL && *home == '/' ? xprintf("%s/.local/state/agent-sandbox", home) : NULL;
}
