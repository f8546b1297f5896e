/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text, all of it or nothing. */
#ifndef ASB_BASE_NUMBER_H
#define ASB_BASE_NUMBER_H

#include <stdint.h>

/* A decimal integer between least and most; -EINVAL for anything else. */
int integer_parse(const char *text, int64_t least, int64_t most, int64_t *ret);
/* A decimal number, not infinite, not NaN, between least and most. Locale "C". */
int number_parse(const char *text, double least, double most, double *ret);
/* A duration as Go writes it ("1h30m", "1.5s", "0"; units ns, us, ms, s, m, h), in whole
 * milliseconds: what is less than one counts as one. Between least and most. */
int duration_parse(const char *text, int64_t least_ms, int64_t most_ms, int64_t *ret_ms);

#endif
