/* SPDX-License-Identifier: Apache-2.0 */
/* Reads quantities of resources. Validation of pods and claims compares them. */
#include "config.h"

#include "apiserver/validation/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/number.h"

#define QUANTITY_MAX 64

static bool suffix_factor(const char *suffix, double *ret)
{
	static const struct {
		const char *suffix;
		double factor;
	} factors[] = {
		{ "", 1 },        { "n", 1e-9 },    { "u", 1e-6 },    { "m", 1e-3 },
		{ "k", 1e3 },     { "M", 1e6 },     { "G", 1e9 },     { "T", 1e12 },
		{ "P", 1e15 },    { "E", 1e18 },    { "Ki", 0x1p10 }, { "Mi", 0x1p20 },
		{ "Gi", 0x1p30 }, { "Ti", 0x1p40 }, { "Pi", 0x1p50 }, { "Ei", 0x1p60 },
	};
	int64_t exponent;

	for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
		if (strcmp(factors[i].suffix, suffix) == 0) {
			*ret = factors[i].factor;
			return true;
		}
	}
	if ((*suffix == 'e' || *suffix == 'E') &&
	    integer_parse(suffix + 1 + (suffix[1] == '+' ? 1 : 0), -100, 100, &exponent) == 0) {
		*ret = pow(10, (double)exponent);
		return true;
	}
	return false;
}

bool quantity_parse(struct json_object *value, double *ret)
{
	char number[QUANTITY_MAX];
	double digits, factor;

	if (json_object_is_type(value, json_type_int) ||
	    json_object_is_type(value, json_type_double)) {
		*ret = json_object_get_double(value);
		return true;
	}
	if (!json_object_is_type(value, json_type_string)) {
		return false;
	}

	const char *text = json_object_get_string(value);
	size_t sign = *text == '-' || *text == '+' ? 1 : 0;
	size_t length = sign + strspn(text + sign, "0123456789.");

	if (length == sign || length >= sizeof(number)) {
		return false;
	}
	snprintf(number, sizeof(number), "%.*s", (int)(length - (*text == '+' ? 1 : 0)),
		 text + (*text == '+' ? 1 : 0));
	if (number_parse(number, -1e300, 1e300, &digits) < 0 ||
	    !suffix_factor(text + length, &factor)) {
		return false;
	}
	*ret = digits * factor;
	return true;
}
