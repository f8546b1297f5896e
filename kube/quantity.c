/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes' quantities, read digit by digit in decimal so that nothing is lost to floating point.
 * The node calls it for resources of
 * containers, limits of volumes and resourceFieldRef; the API server for validation. */
#include "config.h"

#include "kube/quantity.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#define TEXT_MAX 128      /* a longer one is nonsense, or an attack */
#define DIGITS_MAX 192    /* of the text and of doubling it sixty times */
#define EXPONENT_MAX 1000 /* any greater one says the same: too much, or next to nothing */
#define NANO UINT32_C(1000000000)
#define MOST ((uint64_t)INT64_MAX)

/* A decimal number: 0.d0d1d2... * 10^point. */
struct decimal {
	uint8_t digits[DIGITS_MAX];
	int count;
	int point;
};

/* Value = value * 10^ten * 2^two. */
struct suffix {
	int ten, two;
};

static void quantity_double_decimal(struct decimal *number)
{
	int carry = 0;

	for (int i = number->count - 1; i >= 0; i--) {
		int digit = 2 * number->digits[i] + carry;

		number->digits[i] = (uint8_t)(digit % 10);
		carry = digit / 10;
	}
	if (carry > 0) {
		memmove(number->digits + 1, number->digits, (size_t)number->count);
		number->digits[0] = (uint8_t)carry;
		number->count++;
		number->point++;
	}
}

/* Digits with at most one point among them; returns what follows, NULL where there is no digit. */
static const char *quantity_read_digits(const char *text, struct decimal *ret)
{
	bool any = false, fraction = false;

	for (;; text++) {
		if (*text == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*text < '0' || *text > '9') {
			return any ? text : NULL;
		}
		any = true;
		if (ret->count == 0 && *text == '0') {
			ret->point -= fraction;
			continue;
		}
		ret->digits[ret->count++] = (uint8_t)(*text - '0');
		ret->point += !fraction;
	}
}

static int quantity_read_exponent(const char *text, int *ret)
{
	bool negative = *text == '-';
	int value = 0;

	if (*text == '-' || *text == '+') {
		text++;
	}
	if (*text == '\0') {
		return -EINVAL;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9') {
			return -EINVAL;
		}
		value = value > EXPONENT_MAX ? value : value * 10 + (*text - '0');
	}
	*ret = negative ? -value : value;
	return 0;
}

static int quantity_read_suffix(const char *text, struct suffix *ret)
{
	static const struct {
		const char *text;
		struct suffix suffix;
	} suffixes[] = {
		{ "", { 0, 0 } },    { "n", { -9, 0 } },  { "u", { -6, 0 } },  { "m", { -3, 0 } },
		{ "k", { 3, 0 } },   { "M", { 6, 0 } },   { "G", { 9, 0 } },   { "T", { 12, 0 } },
		{ "P", { 15, 0 } },  { "E", { 18, 0 } },  { "Ki", { 0, 10 } }, { "Mi", { 0, 20 } },
		{ "Gi", { 0, 30 } }, { "Ti", { 0, 40 } }, { "Pi", { 0, 50 } }, { "Ei", { 0, 60 } },
	};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(text, suffixes[i].text) == 0) {
			*ret = suffixes[i].suffix;
			return 0;
		}
	}
	if (*text != 'e' && *text != 'E') {
		return -EINVAL;
	}
	*ret = (struct suffix){ 0 };
	return quantity_read_exponent(text + 1, &ret->ten);
}

static int quantity_digit_at(const struct decimal *number, int place)
{
	return place >= 0 && place < number->count ? number->digits[place] : 0;
}

static void quantity_carry_nano(struct quantity *quantity)
{
	if (quantity->nano == NANO) {
		quantity->nano = 0;
		quantity->whole++;
	}
	if (quantity->whole >= MOST) {
		quantity->whole = MOST;
		quantity->nano = 0;
	}
}

static void quantity_round(const struct decimal *number, struct quantity *ret)
{
	/* Leading digits are not 0, so more than 19 of them before the point are over 2^63. */
	if (number->count > 0 && number->point > 19) {
		ret->whole = MOST;
		return;
	}
	for (int i = 0; i < number->point; i++) {
		ret->whole = ret->whole * 10 + (uint64_t)quantity_digit_at(number, i);
	}
	for (int i = number->point; i < number->point + 9; i++) {
		ret->nano = ret->nano * 10 + (uint32_t)quantity_digit_at(number, i);
	}
	/* The last digit is not 0 where anything is behind the ninth: trailing zeros were cut. */
	if (number->count > number->point + 9) {
		ret->nano++;
	}
	quantity_carry_nano(ret);
}

int quantity_parse(const char *text, struct quantity *ret)
{
	struct quantity quantity = { .negative = text[0] == '-' };
	struct decimal number = { .count = 0 };
	struct suffix suffix;

	if (strlen(text) > TEXT_MAX) {
		return -EINVAL;
	}
	text = quantity_read_digits(text + (text[0] == '-' || text[0] == '+'), &number);
	if (text == NULL || quantity_read_suffix(text, &suffix) < 0) {
		return -EINVAL;
	}
	for (int i = 0; i < suffix.two && number.count > 0; i++) {
		quantity_double_decimal(&number);
	}
	while (number.count > 0 && number.digits[number.count - 1] == 0) {
		number.count--;
	}
	number.point += suffix.ten;
	if (number.count > 0) {
		quantity_round(&number, &quantity);
	}
	quantity.negative = quantity.negative && (quantity.whole > 0 || quantity.nano > 0);
	*ret = quantity;
	return 0;
}

int quantity_read(struct json_object *value, struct quantity *ret)
{
	switch (json_object_get_type(value)) {
	case json_type_string:
	case json_type_int:
	case json_type_double:
		return quantity_parse(json_object_get_string(value), ret);
	default:
		return -EINVAL;
	}
}

int64_t quantity_value(const struct quantity *quantity)
{
	int64_t value = (int64_t)quantity->whole;

	if (quantity->nano > 0 && quantity->whole < MOST) {
		value++;
	}
	return quantity->negative ? -value : value;
}

int64_t quantity_milli(const struct quantity *quantity)
{
	int64_t parts = (quantity->nano + 999999) / 1000000;
	int64_t value = INT64_MAX;

	if (quantity->whole <= (MOST - 1000) / 1000) {
		value = (int64_t)quantity->whole * 1000 + parts;
	}
	return quantity->negative ? -value : value;
}

bool quantity_positive(const struct quantity *quantity)
{
	return !quantity->negative && (quantity->whole > 0 || quantity->nano > 0);
}

static int quantity_compare_size(const struct quantity *a, const struct quantity *b)
{
	if (a->whole != b->whole) {
		return a->whole < b->whole ? -1 : 1;
	}
	return (a->nano > b->nano) - (a->nano < b->nano);
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
	if (a->negative != b->negative) {
		return a->negative ? -1 : 1;
	}
	return a->negative ? quantity_compare_size(b, a) : quantity_compare_size(a, b);
}

uint64_t quantity_value_of(struct json_object *list, const char *name)
{
	struct quantity quantity;

	if (quantity_read(asb_at(list, name), &quantity) < 0 || quantity.negative) {
		return 0;
	}
	return (uint64_t)quantity_value(&quantity);
}

uint64_t quantity_milli_of(struct json_object *list, const char *name)
{
	struct quantity quantity;

	if (quantity_read(asb_at(list, name), &quantity) < 0 || quantity.negative) {
		return 0;
	}
	return (uint64_t)quantity_milli(&quantity);
}
