/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text. For flags and configuration. */
#include "config.h"

#include "base/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int integer_parse(const char *text, int64_t least, int64_t most, int64_t *ret)
{
	bool negative = text[0] == '-';
	size_t digits = strspn(text + negative, "0123456789");
	int64_t value = 0;

	if (digits == 0 || digits > 18 || text[negative + digits] != '\0') {
		return -EINVAL;
	}
	for (size_t i = 0; i < digits; i++) {
		value = value * 10 + (text[negative + i] - '0');
	}
	value = negative ? -value : value;
	if (value < least || value > most) {
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

int number_parse(const char *text, double least, double most, double *ret)
{
	char *end = NULL;
	double value;

	if (*text == '\0' || strspn(text, "0123456789.-") != strlen(text)) {
		return -EINVAL;
	}
	value = strtod(text, &end);
	if (*end != '\0' || !(value >= least && value <= most)) {
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

/* The milliseconds of the unit at *text, which goes behind it; 0 for none. */
static double duration_unit(const char **text)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {
		{ "ns", 1e-6 }, { "us", 1e-3 }, { "\u00b5s", 1e-3 }, { "ms", 1 },
		{ "s", 1e3 },   { "m", 6e4 },   { "h", 3.6e6 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t length = strlen(units[i].name);

		if (strncmp(*text, units[i].name, length) == 0) {
			*text += length;
			return units[i].ms;
		}
	}
	return 0;
}

int duration_parse(const char *text, int64_t least_ms, int64_t most_ms, int64_t *ret_ms)
{
	bool negative = *text == '-';
	const char *at = text + negative;
	double sum = 0;

	if (*at == '\0') {
		return -EINVAL;
	}
	while (*at != '\0' && strcmp(at, "0") != 0) {
		char digits[20];
		size_t length = strspn(at, "0123456789.");
		double value, unit;

		if (length == 0 || length >= sizeof(digits)) {
			return -EINVAL;
		}
		memcpy(digits, at, length);
		digits[length] = '\0';
		at += length;
		unit = duration_unit(&at);
		if (unit == 0 || number_parse(digits, 0, 1e15, &value) < 0) {
			return -EINVAL;
		}
		sum += value * unit;
	}
	if (strcmp(at, "0") == 0 && at != text + negative) {
		return -EINVAL; /* a number without a unit behind others */
	}
	if (sum > 1e15) {
		return -EINVAL;
	}

	int64_t whole = (int64_t)sum, ms = whole + ((double)whole < sum && whole == 0 ? 1 : 0);

	ms = negative ? -ms : ms;
	if (ms < least_ms || ms > most_ms) {
		return -EINVAL;
	}
	*ret_ms = ms;
	return 0;
}
