/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/podman/frame: no bytes may crash it, it never hands on more than it got, and it finds the
 * same however they are cut. How to build it: fuzz.h, with node/podman/frame.c as well.
 */
#include "config.h"

#include "node/podman/frame.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "podman-frame";

struct seen {
	uint64_t hash;
	size_t length;
};

static int take(void *arg, int stream, const char *data, size_t length)
{
	struct seen *seen = arg;

	FUZZ_CHECK(stream >= 0 && stream < FRAME_MAX && length > 0);
	for (size_t i = 0; i < length; i++) {
		seen->hash = (seen->hash ^ (uint64_t)stream << 8 ^ (unsigned char)data[i]) *
			     1099511628211u;
	}
	seen->length += length;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader whole = { 0 }, pieces = { 0 };
	struct seen first = { 0 }, second = { 0 };
	int r = frame_read(&whole, (const char *)data, size, take, &first), cut = 0;

	for (size_t i = 0; i < size && cut == 0; i++) {
		cut = frame_read(&pieces, (const char *)data + i, 1, take, &second);
	}
	FUZZ_CHECK(r == cut && first.hash == second.hash && first.length == second.length);
	FUZZ_CHECK(first.length <= size);
	return 0;
}
