/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that aborts instead of failing. Everybody's. */
#include "config.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *memory_checked(void *pointer)
{
	if (pointer == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return pointer;
}

void *xalloc(size_t size)
{
	return memory_checked(calloc(1, size > 0 ? size : 1));
}

void *xalloc_array(size_t size, size_t count)
{
	return memory_checked(calloc(count > 0 ? count : 1, size));
}

void *xrealloc(void *pointer, size_t size)
{
	return memory_checked(realloc(pointer, size > 0 ? size : 1));
}

char *xstrdup(const char *text)
{
	return memory_checked(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
	return memory_checked(strndup(text, length));
}

char *xprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
	}
	va_end(args);
	return memory_checked(text);
}
