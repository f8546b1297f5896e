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
