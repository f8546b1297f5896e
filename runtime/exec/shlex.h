/* SPDX-License-Identifier: Apache-2.0 */
/* A command line to words, as Python's shlex.split (posix, no comments) does, in linear time. No
 * shell: $, *, ; and | are characters like others. */
#ifndef ASB_RUNTIME_EXEC_SHLEX_H
#define ASB_RUNTIME_EXEC_SHLEX_H

#include <stdbool.h>
#include <stddef.h>

struct shlex {
	char *words; /* count words, each with a NUL behind it */
	size_t size; /* of all, NULs included */
	size_t count;
	size_t longest; /* without its NUL */
	bool has_nul; /* a word holds a NUL: it cannot be an argument, and words cannot be told apart */
};

/* NULL, or Python's words for what is wrong. The result is the caller's, also then. */
const char *shlex_split(const char *text, size_t length, struct shlex *ret);
void shlex_finish(struct shlex *shlex);

#endif
