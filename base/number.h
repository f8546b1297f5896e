/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text, all of it or nothing. */
#ifndef ASB_BASE_NUMBER_H
#define ASB_BASE_NUMBER_H

#include <stdint.h>

/* A decimal integer between least and most; -EINVAL for anything else. */
int integer_parse(const char *text, int64_t least, int64_t most, int64_t *ret);
/* A decimal number, not infinite, not NaN, between least and most. Locale "C". */
int number_parse(const char *text, double least, double most, double *ret);

#endif
