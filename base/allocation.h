/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an allocation failed in this thread. json-c goes on without what it could not allocate: a
 * member is missing, a text is short. Who stores what it made asks here first, and stores nothing.
 * Known where the C library is glibc and no sanitizer replaces its allocator; elsewhere nothing
 * fails, as far as this tells.
 */
#ifndef ASB_BASE_ALLOCATION_H
#define ASB_BASE_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

/* Whether one failed in this thread since the last call that was to forget it. */
bool allocation_failed(bool forget);
/* Whether that can be known in this program. */
bool allocation_is_watched(void);

/* Tests: in this thread the allocation after so many fails, and those behind it as many as are said
 * (SIZE_MAX: all). */
void allocation_fail_after(size_t good, size_t bad);

#endif
