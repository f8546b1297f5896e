/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube/quantity: no text may crash it, what it takes is within its bounds, and more digits or
 * another unit of the same value must say the same. How to build it: fuzz.h, with kube/quantity.c.
 */
#include "config.h"

#include <string.h>

#include "base/macros.h"
#include "base/memory.h"
#include "kube/quantity.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "quantity";

static void check_bounds(const struct quantity *quantity)
{
	int64_t value = quantity_value(quantity), milli = quantity_milli(quantity);

	FUZZ_CHECK(quantity->whole <= INT64_MAX && quantity->nano < 1000000000);
	FUZZ_CHECK(quantity_compare(quantity, quantity) == 0);
	FUZZ_CHECK((value < 0) == quantity->negative && (milli < 0) == quantity->negative);
	FUZZ_CHECK((value == 0) == (milli == 0));
	/* Thousandths are never further from zero than whole ones, and less than one behind. */
	if (milli > INT64_MIN / 2 && milli < INT64_MAX / 2) {
		int64_t size = value < 0 ? -value : value, parts = milli < 0 ? -milli : milli;

		FUZZ_CHECK(parts <= size * 1000 && parts > (size - 1) * 1000);
	}
}

/* A sign, or a zero in front, changes nothing else. */
static void check_same(const char *text, const struct quantity *quantity)
{
	bool sign = text[0] == '-' || text[0] == '+';
	CLEANUP_FREE char *longer = xprintf("%s0%s", quantity->negative ? "-" : "+", text + sign);
	struct quantity again;

	if (quantity_parse(longer, &again) == 0) {
		FUZZ_CHECK(quantity_compare(quantity, &again) == 0);
	} else {
		FUZZ_CHECK(strlen(longer) > 100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xstrndup(size > 0 ? (const char *)data : "", size);
	struct quantity quantity;

	if (quantity_parse(text, &quantity) == 0) {
		check_bounds(&quantity);
		check_same(text, &quantity);
	}
	return 0;
}
