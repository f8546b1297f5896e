/* SPDX-License-Identifier: Apache-2.0 */
/* The flags and environment variables of the runtime server, as one table. Called by main.c. */
#include "config.h"

#include "runtime/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

#define TIMEOUT_FALLBACK_S 300 /* what the Python server uses for an invalid value */
#define TIMEOUT_MAX_S INT32_MAX
#define OUTPUT_DEFAULT (16u << 20)
#define OUTPUT_MAX (1 << 30)

enum option_type { OPTION_BOOL, OPTION_TEXT, OPTION_PORT, OPTION_TIMEOUT, OPTION_OUTPUT };

struct option_row {
	const char *name; /* of the flag; NULL: there is only a variable */
	const char *variable;
	enum option_type type;
	size_t offset; /* in struct options */
	const char *argument, *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "host", NULL, OPTION_TEXT, AT(host), "ADDR",
	  "numeric address to listen on (default 0.0.0.0)" },
	{ "port", "PORT", OPTION_PORT, AT(port), "N",
	  "port to listen on (default 8888; 0: a free port)" },
	{ "base-dir", "SANDBOX_BASE_DIR", OPTION_TEXT, AT(base_dir), "DIR",
	  "directory of all files, where commands start (default /app)" },
	{ "exec-user", "SANDBOX_EXEC_USER", OPTION_TEXT, AT(exec_user), "USER",
	  "run commands as a user, NAME or uid[:gid] (default: the server's)" },
	{ NULL, "SANDBOX_TOKEN_FILE", OPTION_TEXT, AT(token_file), "FILE",
	  "file whose first line is the bearer token that clients must send" },
	{ NULL, "SANDBOX_EXEC_TIMEOUT_SECONDS", OPTION_TIMEOUT, AT(exec_timeout_s), "N",
	  "timeout of commands without one, in seconds (default: none)" },
	{ NULL, "SANDBOX_MAX_OUTPUT_BYTES", OPTION_OUTPUT, AT(output_max), "N",
	  "bytes kept of stdout, and of stderr (default 16777216)" },
	{ "version", NULL, OPTION_BOOL, AT(version), "", "print the version and exit" },
	{ "help", NULL, OPTION_BOOL, AT(help), "", "print this help and exit" },
};

static void options_help_row(FILE *out, const struct option_row *row, bool flag)
{
	int width = flag ? fprintf(out, "  --%s%s%s", row->name, *row->argument != '\0' ? " " : "",
				   row->argument)
			 : fprintf(out, "  %s", row->variable);

	fprintf(out, "%*s%s", width < 34 ? 34 - width : 1, "", row->help);
	if (flag && row->variable != NULL) {
		fprintf(out, "; $%s", row->variable);
	}
	fputc('\n', out);
}

void options_help(FILE *out)
{
	fputs("Usage: agent-sandbox-runtime [FLAG]...\n"
	      "Runs commands and serves files of a sandbox over HTTP.\n\nFlags, and the variables that are used without them:\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].name != NULL) {
			options_help_row(out, &rows[i], true);
		}
	}
	fputs("\nEnvironment:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].name == NULL) {
			options_help_row(out, &rows[i], false);
		}
	}
}

static int options_set_number(const struct option_row *row, const char *value, int64_t least,
			      int64_t most, int64_t *ret, struct error *reterr)
{
	if (integer_parse(value, least, most, ret) == 0) {
		return 0;
	}
	return error_set(
		reterr, -EINVAL, "%s%s takes a whole number from %lld to %lld, not '%.100s'",
		row->name != NULL ? "--" : "$", row->name != NULL ? row->name : row->variable,
		(long long)least, (long long)most, value);
}

static int options_set_value(struct options *options, const struct option_row *row,
			     const char *value, struct error *reterr)
{
	void *at = (char *)options + row->offset;
	int64_t number = 0;
	int code = 0;

	switch (row->type) {
	case OPTION_BOOL:
		*(bool *)at = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)at = value;
		return *value != '\0' ? 0
				      : error_set(reterr, -EINVAL, "--%s is empty",
						  row->name != NULL ? row->name : row->variable);
	case OPTION_PORT:
		code = options_set_number(row, value, 0, UINT16_MAX, &number, reterr);
		*(uint16_t *)at = (uint16_t)number;
		return code;
	case OPTION_TIMEOUT:
		code = options_set_number(row, value, 1, TIMEOUT_MAX_S, &number, reterr);
		*(uint64_t *)at = code == 0 ? (uint64_t)number : TIMEOUT_FALLBACK_S;
		return code;
	default:
		code = options_set_number(row, value, 1, OUTPUT_MAX, &number, reterr);
		*(uint64_t *)at = code == 0 ? (uint64_t)number : OUTPUT_DEFAULT;
		return code;
	}
}

/* An invalid value of these has a fallback, so that images that have always had one still start. */
static bool options_has_fallback(const struct option_row *row)
{
	return row->type == OPTION_TIMEOUT || row->type == OPTION_OUTPUT;
}

static int options_read_environment(struct options *options, FILE *warnings, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *value = rows[i].variable != NULL ? getenv(rows[i].variable) : NULL;

		if (value == NULL || value[strspn(value, " \t")] == '\0') {
			continue;
		}
		if (options_set_value(options, &rows[i], value, reterr) == 0) {
			continue;
		}
		if (!options_has_fallback(&rows[i])) {
			return error_prefix(reterr, "$%s", rows[i].variable);
		}
		fprintf(warnings, "agent-sandbox-runtime: %s, going on with %llu\n", reterr->text,
			(unsigned long long)*(uint64_t *)(void *)((char *)options +
								  rows[i].offset));
	}
	return 0;
}

static const struct option_row *options_find_row(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].name != NULL && strlen(rows[i].name) == length &&
		    memcmp(rows[i].name, name, length) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static int options_read_flag(int argc, char **argv, int *at, struct options *options,
			     struct error *reterr)
{
	const char *text = argv[*at], *value;
	const struct option_row *row;
	size_t length;

	if (strncmp(text, "--", 2) != 0) {
		return error_set(reterr, -EINVAL, "unknown flag '%.100s'; see --help", text);
	}
	length = strcspn(text + 2, "=");
	value = text[2 + length] == '=' ? text + 2 + length + 1 : NULL;
	row = options_find_row(text + 2, length);
	if (row == NULL) {
		return error_set(reterr, -EINVAL, "unknown flag '%.100s'; see --help", text);
	}
	if (row->type == OPTION_BOOL) {
		return value == NULL ? options_set_value(options, row, "", reterr)
				     : error_set(reterr, -EINVAL, "--%s takes no value", row->name);
	}
	if (value == NULL) {
		if (*at + 1 == argc) {
			return error_set(reterr, -EINVAL, "flag '%s' needs a value", text);
		}
		value = argv[++*at];
	}
	return options_set_value(options, row, value, reterr);
}

int options_parse(int argc, char **argv, struct options *ret, FILE *warnings, struct error *reterr)
{
	struct error ignored = { 0 };
	struct options options = {
		.host = "0.0.0.0", .port = 8888, .base_dir = "/app", .output_max = OUTPUT_DEFAULT
	};

	reterr = reterr != NULL ? reterr : &ignored;

	int code = options_read_environment(&options, warnings, reterr);

	for (int at = 1; at < argc && code == 0; at++) {
		code = options_read_flag(argc, argv, &at, &options, reterr);
	}
	if (code == 0) {
		*ret = options;
	}
	return code;
}
