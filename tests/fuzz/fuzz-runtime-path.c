/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/files/path: whatever a request's path says, what is left of it has no name that climbs, and is
 * cleaned already. How to build it: fuzz.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "runtime/files/path.h"
#include "runtime/http/percent.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1u << 20)

const char fuzz_corpus[] = "runtime-path";

static void check_clean(const struct buf *path)
{
	CLEANUP_BUF struct buf again = BUF_INIT(TEXT_MAX);
	const char *text = buf_str(path);

	FUZZ_CHECK(strlen(text) == path->length && path->length <= PATH_TEXT_MAX);
	FUZZ_CHECK(text[0] != '/' && (path->length == 0 || text[path->length - 1] != '/'));
	for (const char *name = text; *name != '\0';) {
		size_t length = strcspn(name, "/");

		FUZZ_CHECK(length > 0);
		FUZZ_CHECK(length > 2 || strncmp(name, "..", length) != 0);
		name += length + (name[length] == '/');
	}
	FUZZ_CHECK(path_clean(text, path->length, &again) == 0);
	FUZZ_CHECK(strcmp(buf_str(&again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_BUF struct buf decoded = BUF_INIT(TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(TEXT_MAX);

	if (size > TEXT_MAX) {
		return 0;
	}
	FUZZ_CHECK(percent_decode((const char *)data, size, &decoded) == 0);
	FUZZ_CHECK(decoded.length <= size);

	int error = path_clean(buf_str(&decoded), decoded.length, &path);

	FUZZ_CHECK(error == 0 || error == -EXDEV || error == -ENAMETOOLONG);
	if (error == 0) {
		check_clean(&path);
	}
	return 0;
}
