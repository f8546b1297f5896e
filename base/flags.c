/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a command line by a table of flags. Called by the options of the programs. */
#include "config.h"

#include "base/flags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"

#define HELP_COLUMN 40

static const struct flag *flags_find(const struct flag *flags, const char *name, size_t length)
{
	for (; flags->name != NULL; flags++) {
		if (strlen(flags->name) == length && strncmp(flags->name, name, length) == 0) {
			return flags;
		}
	}
	return NULL;
}

static int flags_set_bool(const struct flag *flag, const char *value, bool *ret,
			  struct error *reterr)
{
	if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
		*ret = true;
	} else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
		*ret = false;
	} else {
		return error_set(reterr, -EINVAL, "--%s takes true or false, not '%s'", flag->name,
				 value);
	}
	return 0;
}

static int flags_set(const struct flag *flag, const char *value, void *target, struct error *reterr)
{
	void *member = (char *)target + flag->offset;
	bool whole = flag->type == FLAG_INTEGER;
	int code;

	if (flag->type == FLAG_BOOL) {
		return flags_set_bool(flag, value, member, reterr);
	}
	if (flag->type == FLAG_TEXT) {
		*(const char **)member = value;
		return 0;
	}
	code = whole ? integer_parse(value, flag->least, flag->most, member)
		     : number_parse(value, (double)flag->least, (double)flag->most, member);
	return code == 0 ? 0
			 : error_set(reterr, -EINVAL,
				     "--%s takes a %snumber from %" PRId64 " to %" PRId64
				     ", not '%s'",
				     flag->name, whole ? "whole " : "", flag->least, flag->most,
				     value);
}

static int flags_set_other(const struct flag *flag, flags_other other, void *target,
			   const char *name, size_t length, const char *value, struct error *reterr)
{
	bool on = false;

	if (other == NULL) {
		return -ENOENT;
	}
	if (flag != NULL && flag->type == FLAG_OTHER_BOOL) {
		int code = flags_set_bool(flag, value, &on, reterr);

		return code < 0 ? code : other(target, name, length, on ? "true" : "false", reterr);
	}
	return other(target, name, length, value, reterr);
}

static bool flags_is_bool(const struct flag *flag)
{
	return flag != NULL && (flag->type == FLAG_BOOL || flag->type == FLAG_OTHER_BOOL);
}

static bool flags_is_other(const struct flag *flag)
{
	return flag == NULL || flag->type == FLAG_OTHER || flag->type == FLAG_OTHER_BOOL;
}

int flags_parse_with(const struct flag *flags, const char *program, flags_other other, int argc,
		     char **argv, void *target, struct error *reterr)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *name = word + strspn(word, "-");
		size_t length = strcspn(name, "=");
		const struct flag *flag = flags_find(flags, name, length);
		const char *value = name[length] == '=' ? name + length + 1 : NULL;
		int code = -ENOENT;

		if (value == NULL && i + 1 < argc && !flags_is_bool(flag)) {
			value = argv[++i];
		}
		if (name == word || name - word > 2) {
			code = -ENOENT;
		} else if (flags_is_other(flag)) {
			code = flags_set_other(flag, other, target, name, length, value, reterr);
		} else if (value == NULL && !flags_is_bool(flag)) {
			code = -ENODATA;
		} else {
			code = flags_set(flag, value, target, reterr);
		}
		if (code == -ENOENT) {
			return error_set(reterr, -EINVAL, "unknown flag '%s'; see %s --help", word,
					 program);
		}
		if (code == -ENODATA) {
			return error_set(reterr, -EINVAL, "--%.*s needs a value%s%s", (int)length,
					 name, flag != NULL ? ": " : "",
					 flag != NULL ? flag->argument : "");
		}
		if (code < 0) {
			return code;
		}
	}
	return 0;
}

int flags_parse(const struct flag *flags, const char *program, int argc, char **argv, void *target,
		struct error *reterr)
{
	return flags_parse_with(flags, program, NULL, argc, argv, target, reterr);
}

static int flags_width(const struct flag *flag)
{
	return (int)(strlen("  --") + strlen(flag->name) +
		     (flag->argument != NULL ? 1 + strlen(flag->argument) : 0));
}

void flags_help(const struct flag *flags, FILE *out)
{
	int column = HELP_COLUMN;

	for (const struct flag *flag = flags; flag->name != NULL; flag++) {
		column = flags_width(flag) + 2 > column ? flags_width(flag) + 2 : column;
	}
	for (const struct flag *flag = flags; flag->name != NULL; flag++) {
		bool takes = flag->argument != NULL;

		fprintf(out, "  --%s%s%s%*s%s\n", flag->name, takes ? " " : "",
			takes ? flag->argument : "", column - flags_width(flag), "", flag->help);
	}
}
