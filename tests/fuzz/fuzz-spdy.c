/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiserver/remote/spdy: no bytes may crash it, headers stay within their bounds, and it finds the same however
 * the bytes are cut. How to build it: fuzz.h, with apiserver/remote/spdy.c and apiserver/remote/spdy-block.c as well, -lz.
 */
#include "config.h"

#include <string.h>

#include "apiserver/remote/spdy.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "spdy";

struct seen {
	uint64_t hash;
	uint32_t last_stream;
};

static void mix(struct seen *seen, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++) {
		seen->hash = (seen->hash ^ bytes[i]) * 1099511628211u;
	}
}

static int on_opened(void *arg, uint32_t stream, const struct spdy_headers *headers, bool fin)
{
	struct seen *seen = arg;

	FUZZ_CHECK(stream % 2 == 1 && stream > seen->last_stream);
	FUZZ_CHECK(headers->count <= SPDY_HEADERS_MAX);
	seen->last_stream = stream;
	mix(seen, &fin, sizeof(fin));
	for (size_t i = 0; i < headers->count; i++) {
		const struct spdy_header *header = &headers->items[i];

		FUZZ_CHECK(header->value[header->value_length] == '\0');
		FUZZ_CHECK(spdy_header(headers, header->name) != NULL);
		mix(seen, header->name, strlen(header->name));
		mix(seen, header->value, header->value_length);
	}
	return 0;
}

static int on_data(void *arg, uint32_t stream, const char *data, size_t length, bool fin)
{
	struct seen *seen = arg;

	FUZZ_CHECK(length > 0 || fin);
	for (size_t i = 0; i < length; i++) {
		mix(seen, &stream, sizeof(stream));
		mix(seen, data + i, 1);
	}
	if (fin) {
		mix(seen, "fin", 3);
	}
	return 0;
}

static int on_reset(void *arg, uint32_t stream, uint32_t why)
{
	mix(arg, &stream, sizeof(stream));
	mix(arg, &why, sizeof(why));
	return 0;
}

static int on_ping(void *arg, uint32_t id)
{
	mix(arg, &id, sizeof(id));
	return 0;
}

static int run(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
	static const struct spdy_events events = { on_opened, on_data, on_reset, on_ping };
	struct spdy *spdy = spdy_create(&events, seen);
	struct error error = { 0 };
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece) {
		r = spdy_read(spdy, (const char *)data + at, size - at < piece ? size - at : piece,
			      &error);
	}
	FUZZ_CHECK(r == 0 || error.text[0] != '\0');
	spdy_destroy(spdy);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = { 0 }, pieces = { 0 };

	FUZZ_CHECK(run(data, size, size + 1, &whole) == run(data, size, 1, &pieces));
	FUZZ_CHECK(whole.hash == pieces.hash);
	return 0;
}
