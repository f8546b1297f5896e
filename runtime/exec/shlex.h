/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a command line into words as Python's shlex.split does (posix, no comments), in linear
 * time. It is not a shell: $, *, ; and | are ordinary characters. */
#ifndef ASB_RUNTIME_EXEC_SHLEX_H
#define ASB_RUNTIME_EXEC_SHLEX_H

#include <stdbool.h>
#include <stddef.h>

struct shlex {
	char *words; /* count words, each with a NUL at its end */
	size_t size; /* of all, NULs included */
	size_t count;
	size_t longest; /* without its NUL */
	bool has_nul;   /* a word holds a NUL, so that words cannot be used */
};

/* Returns NULL, or the error text of Python. shlex_finish must follow in both cases. */
const char *shlex_split(const char *text, size_t length, struct shlex *ret);
void shlex_finish(struct shlex *shlex);

#endif
