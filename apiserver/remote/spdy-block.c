/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks of SPDY/3 to and from zlib, with the dictionary that the protocol gives both sides.
 * Called by apiserver/remote/spdy.c. */
#include "config.h"

#include "apiserver/remote/spdy-block.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* SPDY/3, 2.6.10.1. A length in four bytes before each word; zlib holds it against the sum that the
 * other side sent. */
#define LENGTH(octal) "\0\0\0" octal

/* clang-format off */
const char spdy_dictionary[SPDY_DICTIONARY_LENGTH + 1] =
	LENGTH("\007") "options" LENGTH("\004") "head" LENGTH("\004") "post" LENGTH("\003") "put"
	LENGTH("\006") "delete" LENGTH("\005") "trace" LENGTH("\006") "accept"
	LENGTH("\016") "accept-charset" LENGTH("\017") "accept-encoding"
	LENGTH("\017") "accept-language" LENGTH("\015") "accept-ranges" LENGTH("\003") "age"
	LENGTH("\005") "allow" LENGTH("\015") "authorization" LENGTH("\015") "cache-control"
	LENGTH("\012") "connection" LENGTH("\014") "content-base"
	LENGTH("\020") "content-encoding" LENGTH("\020") "content-language"
	LENGTH("\016") "content-length" LENGTH("\020") "content-location"
	LENGTH("\013") "content-md5" LENGTH("\015") "content-range" LENGTH("\014") "content-type"
	LENGTH("\004") "date" LENGTH("\004") "etag" LENGTH("\006") "expect"
	LENGTH("\007") "expires" LENGTH("\004") "from" LENGTH("\004") "host"
	LENGTH("\010") "if-match" LENGTH("\021") "if-modified-since"
	LENGTH("\015") "if-none-match" LENGTH("\010") "if-range"
	LENGTH("\023") "if-unmodified-since" LENGTH("\015") "last-modified"
	LENGTH("\010") "location" LENGTH("\014") "max-forwards" LENGTH("\006") "pragma"
	LENGTH("\022") "proxy-authenticate" LENGTH("\023") "proxy-authorization"
	LENGTH("\005") "range" LENGTH("\007") "referer" LENGTH("\013") "retry-after"
	LENGTH("\006") "server" LENGTH("\002") "te" LENGTH("\007") "trailer"
	LENGTH("\021") "transfer-encoding" LENGTH("\007") "upgrade" LENGTH("\012") "user-agent"
	LENGTH("\004") "vary" LENGTH("\003") "via" LENGTH("\007") "warning"
	LENGTH("\020") "www-authenticate" LENGTH("\006") "method" LENGTH("\003") "get"
	LENGTH("\006") "status" LENGTH("\006") "200 OK" LENGTH("\007") "version"
	LENGTH("\010") "HTTP/1.1" LENGTH("\003") "url" LENGTH("\006") "public"
	LENGTH("\012") "set-cookie" LENGTH("\012") "keep-alive" LENGTH("\006") "origin100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
	"chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
/* clang-format on */

/* ---- reading ---- */

void spdy_inflater_init(struct spdy_inflater *inflater)
{
	*inflater = (struct spdy_inflater){ .block = BUF_INIT(SPDY_BLOCK_MAX) };
	inflater->open = inflateInit(&inflater->zlib) == Z_OK;
}

void spdy_inflater_finish(struct spdy_inflater *inflater)
{
	if (inflater->open) {
		(void)inflateEnd(&inflater->zlib);
	}
	inflater->open = false;
	buf_finish(&inflater->block);
}

/* All of the input, into the block. */
static int block_inflate_block(struct spdy_inflater *inflater, const char *data, size_t length)
{
	z_stream *zlib = &inflater->zlib;
	char piece[4096];
	int r;

	buf_clear(&inflater->block);
	zlib->next_in = (const Bytef *)data;
	zlib->avail_in = (uInt)length;
	do {
		zlib->next_out = (Bytef *)piece;
		zlib->avail_out = sizeof(piece);
		r = inflate(zlib, Z_SYNC_FLUSH);
		if (r == Z_NEED_DICT) {
			r = inflateSetDictionary(zlib, (const Bytef *)spdy_dictionary,
						 SPDY_DICTIONARY_LENGTH);
			continue;
		}
		if (buf_append(&inflater->block, piece, sizeof(piece) - zlib->avail_out) < 0) {
			return -EPROTO;
		}
	} while (r == Z_OK && (zlib->avail_in > 0 || zlib->avail_out == 0));
	/* Z_BUF_ERROR: there was just nothing more to do. */
	return (r == Z_OK || r == Z_BUF_ERROR) && zlib->avail_in == 0 ? 0 : -EPROTO;
}

/* Four bytes of the block at *at; false: there are not so many. */
static bool block_take_number(const struct buf *block, size_t *at, uint32_t *ret)
{
	const unsigned char *bytes = (const unsigned char *)block->data + *at;

	if (block->length - *at < 4) {
		return false;
	}
	*ret = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
	*at += 4;
	return true;
}

/* A text with its length before it; NULL: it is not there. What follows it, the next length or the
 * buffer's own end, is overwritten or is a NUL already. */
static char *block_take_text(const struct buf *block, size_t *at, size_t *ret_length)
{
	uint32_t length = 0;

	if (!block_take_number(block, at, &length) || length > block->length - *at) {
		return NULL;
	}

	char *text = block->data + *at;

	*at += length;
	*ret_length = length;
	return text;
}

static int block_take_headers(struct buf *block, struct spdy_headers *ret)
{
	char *ends[SPDY_HEADERS_MAX];
	size_t at = 0, length = 0;
	uint32_t count = 0;

	if (block->length == 0 || !block_take_number(block, &at, &count) ||
	    count > SPDY_HEADERS_MAX) {
		return -EPROTO;
	}
	for (uint32_t i = 0; i < count; i++) {
		char *name = block_take_text(block, &at, &length);
		size_t name_length = length;
		char *value = name != NULL ? block_take_text(block, &at, &length) : NULL;

		if (value == NULL || name_length == 0 || memchr(name, '\0', name_length) != NULL) {
			return -EPROTO;
		}
		ret->items[i] = (struct spdy_header){ name, value, length };
		ends[i] = value + length;
		name[name_length] = '\0'; /* over the first byte of the value's length */
	}
	if (at != block->length) {
		return -EPROTO;
	}
	/* Each value ends where the length of the next name began. */
	for (uint32_t i = 0; i < count; i++) {
		ends[i][0] = '\0';
	}
	ret->count = count;
	return 0;
}

int spdy_inflate(struct spdy_inflater *inflater, const char *data, size_t length,
		 struct spdy_headers *ret, struct error *reterr)
{
	*ret = (struct spdy_headers){ 0 };
	if (!inflater->open || block_inflate_block(inflater, data, length) < 0) {
		return error_set(
			reterr, -EPROTO,
			"a block of headers is not compressed as SPDY/3 says, or larger than %u bytes",
			SPDY_BLOCK_MAX);
	}
	if (block_take_headers(&inflater->block, ret) < 0) {
		return error_set(
			reterr, -EPROTO,
			"a block of headers is not made as SPDY/3 says, or has more than %u",
			SPDY_HEADERS_MAX);
	}
	return 0;
}

const char *spdy_header(const struct spdy_headers *headers, const char *name)
{
	for (size_t i = 0; i < headers->count; i++) {
		if (strcmp(headers->items[i].name, name) == 0) {
			return headers->items[i].value;
		}
	}
	return NULL;
}

/* ---- writing ---- */

void spdy_deflater_init(struct spdy_deflater *deflater)
{
	*deflater = (struct spdy_deflater){ 0 };
	deflater->open = deflateInit(&deflater->zlib, Z_BEST_SPEED) == Z_OK &&
			 deflateSetDictionary(&deflater->zlib, (const Bytef *)spdy_dictionary,
					      SPDY_DICTIONARY_LENGTH) == Z_OK;
}

void spdy_deflater_finish(struct spdy_deflater *deflater)
{
	(void)deflateEnd(&deflater->zlib);
	deflater->open = false;
}

static void block_put_text(struct buf *block, const char *text, size_t length)
{
	const unsigned char bytes[] = { (unsigned char)(length >> 24),
					(unsigned char)(length >> 16), (unsigned char)(length >> 8),
					(unsigned char)length };

	buf_append(block, bytes, sizeof(bytes));
	buf_append(block, text, length);
}

void spdy_deflate(struct spdy_deflater *deflater, const struct spdy_headers *headers,
		  struct buf *out)
{
	CLEANUP_BUF struct buf block = BUF_INIT(SPDY_BLOCK_MAX);
	const unsigned char count[] = { 0, 0, 0, (unsigned char)headers->count };
	z_stream *zlib = &deflater->zlib;
	char piece[1024];

	buf_append(&block, count, sizeof(count));
	for (size_t i = 0; i < headers->count; i++) {
		const struct spdy_header *header = &headers->items[i];

		block_put_text(&block, header->name, strlen(header->name));
		block_put_text(&block, header->value, header->value_length);
	}
	zlib->next_in = (const Bytef *)block.data;
	zlib->avail_in = (uInt)block.length;
	do {
		zlib->next_out = (Bytef *)piece;
		zlib->avail_out = sizeof(piece);
		(void)deflate(zlib, Z_SYNC_FLUSH);
		buf_append(out, piece, sizeof(piece) - zlib->avail_out);
	} while (zlib->avail_out == 0);
}
