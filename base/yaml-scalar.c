/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves plain YAML scalars to JSON values. Called by yaml.c for each unquoted word. */
#include "config.h"

#include "base/yaml-scalar.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum number { NUMBER_NONE, NUMBER_INTEGER, NUMBER_FLOAT };

static const char *scalar_digits(const char *text)
{
	return text + strspn(text, "0123456789");
}

/* Which kind of JSON number the text is, all of it. */
static enum number scalar_number_of(const char *text, size_t length)
{
	const char *at = text + (*text == '-' ? 1 : 0), *end = scalar_digits(at);
	enum number number = NUMBER_INTEGER;

	if (end == at || (*at == '0' && end != at + 1)) {
		return NUMBER_NONE;
	}
	if (*end == '.') {
		at = end + 1;
		end = scalar_digits(at);
		if (end == at) {
			return NUMBER_NONE;
		}
		number = NUMBER_FLOAT;
	}
	if (*end == 'e' || *end == 'E') {
		at = end + 1;
		at += *at == '+' || *at == '-' ? 1 : 0;
		end = scalar_digits(at);
		if (end == at) {
			return NUMBER_NONE;
		}
		number = NUMBER_FLOAT;
	}
	return (size_t)(end - text) == length ? number : NUMBER_NONE;
}

/* Reads a checked integer; false if it does not fit. */
static bool scalar_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t value = 0, most = (uint64_t)INT64_MAX + (negative ? 1 : 0);

	for (text += negative ? 1 : 0; *text != '\0'; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (value > (most - digit) / 10) {
			return false;
		}
		value = value * 10 + digit;
	}
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

int yaml_scalar(const char *text, size_t length, struct json_object **ret)
{
	enum number number = scalar_number_of(text, length);
	int64_t whole = 0;

	if (length == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) {
		*ret = NULL;
	} else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		*ret = json_object_new_boolean(*text == 't');
	} else if (number == NUMBER_NONE) {
		*ret = json_object_new_string_len(text, (int)length);
	} else if (number == NUMBER_INTEGER && scalar_integer(text, &whole)) {
		*ret = json_object_new_int64(whole);
	} else {
		double value = strtod(text, NULL);

		if (!isfinite(value)) {
			return -ERANGE;
		}
		/* A float prints as it was written; an integer that long must not, or it would be
		 * read as one again. */
		*ret = number == NUMBER_FLOAT ? json_object_new_double_s(value, text)
					      : json_object_new_double(value);
	}
	return 0;
}
