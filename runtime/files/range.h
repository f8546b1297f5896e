/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a file that a Range header asks for (RFC 9110, 14.2). */
#ifndef ASB_RUNTIME_FILES_RANGE_H
#define ASB_RUNTIME_FILES_RANGE_H

#include <stdint.h>

enum range_response {
	RANGE_WHOLE,  /* no range, an invalid one, or several: 200 */
	RANGE_PART,   /* 206 */
	RANGE_BEYOND, /* 416 */
	RANGE_MAX
};

/* size is that of the file. header may be NULL. ret_* are set only for RANGE_PART; *ret_length is
 * above 0. */
enum range_response range_parse(const char *header, uint64_t size, uint64_t *ret_first,
				uint64_t *ret_length);

#endif
