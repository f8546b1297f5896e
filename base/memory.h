/* SPDX-License-Identifier: Apache-2.0 */
/* Small allocations that cannot fail: they abort. What an input sizes goes through base/buf.h,
 * which has a ceiling. */
#ifndef ASB_BASE_MEMORY_H
#define ASB_BASE_MEMORY_H

#include <stddef.h>

#include "base/macros.h"

/* Zeroed; freed with free(). */
void *xalloc(size_t size) __attribute__((__malloc__, __returns_nonnull__));
void *xrealloc(void *pointer, size_t size) __attribute__((__returns_nonnull__));
char *xstrdup(const char *text) __attribute__((__malloc__, __returns_nonnull__));
char *xstrndup(const char *text, size_t length) __attribute__((__malloc__, __returns_nonnull__));
char *xprintf(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((__returns_nonnull__));

#define xnew(type) ((type *)xalloc(sizeof(type)))
#define xnew_array(type, count) ((type *)xalloc_array(sizeof(type), (count)))
void *xalloc_array(size_t size, size_t count) __attribute__((__malloc__, __returns_nonnull__));

#endif
