/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/env/expand: no text may crash it or pass its ceiling; without variables a text keeps its
 * length but for $$, and values are put in unread. How to build it: fuzz.h, with
 * node/env/expand.c.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "node/env/expand.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX 65536

const char fuzz_corpus[] = "env-expand";

static const char *none(void *arg, const char *name, size_t length)
{
	size_t *asked = arg;

	/* A name is within its parentheses. */
	FUZZ_CHECK(memchr(name, ')', length) == NULL && name[length] == ')' && name[-1] == '(');
	++*asked;
	return NULL;
}

static const char *some(void *arg, const char *name, size_t length)
{
	(void)arg;
	(void)name;
	return length % 2 == 0 ? "$(A)$$" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xstrndup(size > 0 ? (const char *)data : "", size);
	CLEANUP_BUF struct buf plain = BUF_INIT(OUT_MAX);
	CLEANUP_BUF struct buf filled = BUF_INIT(OUT_MAX);
	size_t asked = 0, length = strlen(text);
	int code = env_expand_text(text, none, &asked, &plain);

	if (code == 0) {
		FUZZ_CHECK(plain.length <= length && plain.length >= length / 2);
		FUZZ_CHECK(strstr(text, "$$") != NULL || strcmp(buf_str(&plain), text) == 0);
	} else {
		FUZZ_CHECK(length > OUT_MAX);
	}
	if (env_expand_text(text, some, NULL, &filled) < 0) {
		FUZZ_CHECK(filled.failed);
	}
	FUZZ_CHECK(filled.length <= OUT_MAX);
	return 0;
}
