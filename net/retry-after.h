/* SPDX-License-Identifier: Apache-2.0 */
/* The Retry-After header (RFC 9110, 10.2.3). */
#ifndef ASB_NET_RETRY_AFTER_H
#define ASB_NET_RETRY_AFTER_H

#include <stddef.h>
#include <stdint.h>

/* A value, in seconds or as a date, to milliseconds from now_wall_us on, at most most_ms. 0: now,
 * past, or nonsense. */
uint32_t retry_after_ms(const char *value, size_t length, int64_t now_wall_us, uint32_t most_ms);

#endif
