/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the place of the C library's allocation functions, calls them, and remembers failures for
 * the thread. Programs that store what json-c made are linked with it. */
#include "config.h"

#include "base/allocation.h"

#include <errno.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define ALLOCATION_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATION_SANITIZED 1
#endif

static _Thread_local bool failed;
static _Thread_local size_t good_left = SIZE_MAX, bad_left;

bool allocation_failed(bool forget)
{
	bool result = failed;

	failed = failed && !forget;
	return result;
}

void allocation_fail_after(size_t good, size_t bad)
{
	good_left = good;
	bad_left = bad;
}

#if defined(HAVE___LIBC_MALLOC) && !defined(ALLOCATION_SANITIZED)

/* glibc's own, under the names it keeps for those who replace them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size);
__attribute__((visibility("default"))) void *calloc(size_t count, size_t size);
__attribute__((visibility("default"))) void *realloc(void *pointer, size_t size);

bool allocation_is_watched(void)
{
	return true;
}

/* Whether a test wants this allocation to fail. */
static bool allocation_refused(void)
{
	if (good_left > 0) {
		good_left -= good_left < SIZE_MAX ? 1 : 0;
		return false;
	}
	if (bad_left == 0) {
		return false;
	}
	bad_left -= bad_left < SIZE_MAX ? 1 : 0;
	errno = ENOMEM;
	return true;
}

static void *allocation_seen(void *pointer)
{
	failed = failed || pointer == NULL;
	return pointer;
}

void *malloc(size_t size)
{
	return allocation_seen(allocation_refused() ? NULL : __libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return allocation_seen(allocation_refused() ? NULL : __libc_calloc(count, size));
}

void *realloc(void *pointer, size_t size)
{
	void *result = allocation_refused() ? NULL : __libc_realloc(pointer, size);

	/* realloc(pointer, 0) frees. */
	failed = failed || (result == NULL && size > 0);
	return result;
}

#else

bool allocation_is_watched(void)
{
	return false;
}

#endif
