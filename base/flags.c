/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a command line by a table of flags. Called by the main functions of the smaller programs. */
#include "config.h"

#include "base/flags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"

static const struct flag *find(const struct flag *flags, const char *name, size_t length)
{
	for (; flags->name != NULL; flags++) {
		if (strlen(flags->name) == length && strncmp(flags->name, name, length) == 0) {
			return flags;
		}
	}
	return NULL;
}

static int set_bool(const struct flag *flag, const char *value, bool *ret, struct error *reterr)
{
	if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) {
		*ret = true;
	} else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) {
		*ret = false;
	} else {
		return error_set(reterr, -EINVAL, "--%s is true or false, not '%s'", flag->name,
				 value);
	}
	return 0;
}

static int set(const struct flag *flag, const char *value, void *target, struct error *reterr)
{
	void *member = (char *)target + flag->offset;

	switch (flag->type) {
	case FLAG_BOOL:
		return set_bool(flag, value, member, reterr);
	case FLAG_TEXT:
		*(const char **)member = value;
		return 0;
	case FLAG_INTEGER:
		break;
	}
	if (integer_parse(value, flag->least, flag->most, member) < 0) {
		return error_set(reterr, -EINVAL,
				 "--%s is a number from %" PRId64 " to %" PRId64 ", not '%s'",
				 flag->name, flag->least, flag->most, value);
	}
	return 0;
}

int flags_parse(const struct flag *flags, const char *program, int argc, char **argv, void *target,
		struct error *reterr)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *name = word + strspn(word, "-"), *value;
		size_t length = strcspn(name, "=");
		const struct flag *flag = find(flags, name, length);
		int error;

		if (name == word || name - word > 2 || flag == NULL) {
			return error_set(reterr, -EINVAL, "no such flag: '%s'; see %s --help", word,
					 program);
		}
		value = name[length] == '=' ? name + length + 1 : NULL;
		if (value == NULL && flag->type != FLAG_BOOL) {
			value = i + 1 < argc ? argv[++i] : NULL;
			if (value == NULL) {
				return error_set(reterr, -EINVAL, "--%s needs a value: %s",
						 flag->name, flag->argument);
			}
		}
		error = set(flag, value, target, reterr);
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

void flags_help(const struct flag *flags, FILE *out)
{
	for (; flags->name != NULL; flags++) {
		int width =
			fprintf(out, "  --%s%s%s", flags->name, flags->argument != NULL ? " " : "",
				flags->argument != NULL ? flags->argument : "");

		fprintf(out, "%*s%s\n", width < 40 ? 40 - width : 1, "", flags->help);
	}
}
