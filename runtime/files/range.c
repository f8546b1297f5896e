/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads Range headers. For several ranges the whole file is sent, which RFC 9110 allows. The
 * download route calls it.
 */
#include "config.h"

#include "runtime/files/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *range_skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Reads digits and moves *text past them. A number that is too large becomes UINT64_MAX, which is
 * beyond the end of any file. False: there are no digits. */
static bool range_number(const char **text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned int digit = (unsigned int)(*at - '0');

		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
	}

	bool any = at != *text;

	*text = at;
	*ret = value;
	return any;
}

enum range_response range_parse(const char *header, uint64_t size, uint64_t *ret_first,
				uint64_t *ret_length)
{
	uint64_t first, last;

	if (header == NULL || strncasecmp(header, "bytes=", 6) != 0) {
		return RANGE_WHOLE;
	}

	const char *at = range_skip_blanks(header + 6);
	bool has_first = range_number(&at, &first);

	if (*at != '-') {
		return RANGE_WHOLE;
	}
	at++;

	bool has_last = range_number(&at, &last);

	if (*range_skip_blanks(at) != '\0' || (!has_first && !has_last) ||
	    (has_first && has_last && last < first)) {
		return RANGE_WHOLE;
	}
	if (!has_first) { /* the last bytes of the file */
		first = last < size ? size - last
				    : 0; /* "-0" gives size, which is beyond the end */
		last = UINT64_MAX;
	}
	if (first >= size) {
		return RANGE_BEYOND;
	}
	if (!has_last || last >= size) {
		last = size - 1;
	}
	*ret_first = first;
	*ret_length = last - first + 1;
	return RANGE_PART;
}
