/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line from a table. Called by local/main.c. */
#include "config.h"

#include "local/options.h"

#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum row_type { ROW_TEXT, ROW_PORT, ROW_BOOL };

struct option_row {
	const char *name;
	enum row_type type;
	size_t offset; /* in struct local_options */
	const char *argument, *help;
};

#define AT(member) offsetof(struct local_options, member)

static const struct option_row rows[] = {
	{ "state-dir", ROW_TEXT, AT(state_dir), "DIR",
	  "where objects, keys and the kubeconfig are kept (default: /var/lib/agent-sandbox for "
	  "root, else ~/.local/state/agent-sandbox)" },
	{ "address", ROW_TEXT, AT(address), "IP", "IPv4 address to listen on (default 127.0.0.1)" },
	{ "port", ROW_PORT, AT(port), "N", "port to listen on (default 0: any free one)" },
	{ "kubeconfig", ROW_TEXT, AT(kubeconfig), "FILE",
	  "where to write the kubeconfig (default: kubeconfig in the state folder)" },
	{ "node-socket", ROW_TEXT, AT(node_socket), "FILE",
	  "unix socket of the node, for logs (default: node.sock in the state folder)" },
	{ "audit-log", ROW_TEXT, AT(audit_log), "FILE",
	  "where to log each write, as kube-apiserver does (default: nowhere)" },
	{ "log-format", ROW_TEXT, AT(log_format), "FORMAT", "text or json" },
	{ "log-level", ROW_TEXT, AT(log_level), "LEVEL", "error, warning, info or debug" },
	{ "help", ROW_BOOL, AT(help), "", "print this" },
	{ "version", ROW_BOOL, AT(version), "", "print the version" },
};

static const struct option_row *find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static int set(struct local_options *options, const struct option_row *row, const char *value,
	       struct error *reterr)
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
		       : error_set(reterr, -EINVAL, "--%s '%s' is no port: 0 to 65535", row->name,
				   value);
}

/* One flag at argv[*at]; *at is moved over its value. */
static int take_flag(int argc, char **argv, int *at, struct local_options *options,
		     struct error *reterr)
{
	const char *text = argv[*at] + strspn(argv[*at], "-");
	size_t length = strcspn(text, "=");
	const struct option_row *row = find(text, length);
	const char *value = text[length] == '=' ? text + length + 1 : NULL;

	if (row == NULL) {
		return error_set(reterr, -EINVAL, "there is no flag '%s': see --help", argv[*at]);
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
	return set(options, row, value, reterr);
}

int local_options_parse(int argc, char **argv, struct local_options *ret, struct error *reterr)
{
	*ret = (struct local_options){ 0 };
	for (int at = 1; at < argc; at++) {
		if (argv[at][0] == '-') {
			int code = take_flag(argc, argv, &at, ret, reterr);

			if (code < 0) {
				return code;
			}
		} else if (ret->command == NULL) {
			ret->command = argv[at];
		} else {
			return error_set(reterr, -EINVAL, "'%s' is one word too many: see --help",
					 argv[at]);
		}
	}
	if (ret->help || ret->version) {
		return 0;
	}
	if (ret->command == NULL || strcmp(ret->command, "serve") != 0) {
		return error_set(reterr, -EINVAL, "'%s' is no command; there is: serve",
				 ret->command != NULL ? ret->command : "");
	}
	return 0;
}

void local_options_help(FILE *out)
{
	fputs("usage: agent-sandbox-local serve [FLAG...]\n\n"
	      "  serve   the Kubernetes-compatible API on this machine; prints the path of the\n"
	      "          kubeconfig when it answers\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fprintf(out, "  --%s%s%s\n        %s\n", rows[i].name,
			*rows[i].argument != '\0' ? " " : "", rows[i].argument, rows[i].help);
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
