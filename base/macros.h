/* SPDX-License-Identifier: Apache-2.0 */
/* The four compiler attributes this project uses, and freeing by scope. */
#ifndef ASB_BASE_MACROS_H
#define ASB_BASE_MACROS_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF_LIKE(format, first) __attribute__((__format__(__printf__, format, first)))
#define MUST_CHECK __attribute__((__warn_unused_result__))
#define UNUSED __attribute__((__unused__))

/* Runs function(&variable) at the end of the scope; a variable that only does that is not unused.
 */
#define CLEANUP(function) __attribute__((__cleanup__(function), __unused__))

/* Gives a pointer away: its value, leaving NULL behind. */
#define TAKE(pointer)                                          \
	__extension__({                                        \
		__typeof__(pointer) *take_from_ = &(pointer);  \
		__typeof__(pointer) take_value_ = *take_from_; \
		*take_from_ = NULL;                            \
		take_value_;                                   \
	})

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}
#define CLEANUP_FREE CLEANUP(cleanup_free)

#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
