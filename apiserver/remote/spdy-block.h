/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks of SPDY/3: names and values, through zlib with the protocol's dictionary. Private to
 * apiserver/remote and tests. */
#ifndef ASB_APISERVER_REMOTE_SPDY_BLOCK_H
#define ASB_APISERVER_REMOTE_SPDY_BLOCK_H

#include "apiserver/remote/spdy.h"

#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#define SPDY_DICTIONARY_LENGTH 1423u

extern const char spdy_dictionary[SPDY_DICTIONARY_LENGTH + 1];

struct spdy_inflater {
	z_stream zlib;
	bool open;
	struct buf block; /* the last one, inflated */
};
void spdy_inflater_init(struct spdy_inflater *inflater);
void spdy_inflater_finish(struct spdy_inflater *inflater);
/* *ret points into the inflater, until the next call. -EPROTO and *reterr. */
int spdy_inflate(struct spdy_inflater *inflater, const char *data, size_t length,
		 struct spdy_headers *ret, struct error *reterr);

struct spdy_deflater {
	z_stream zlib;
	bool open;
};
void spdy_deflater_init(struct spdy_deflater *deflater);
void spdy_deflater_finish(struct spdy_deflater *deflater);
/* Appends the block of these headers. */
void spdy_deflate(struct spdy_deflater *deflater, const struct spdy_headers *headers,
		  struct buf *out);

#endif
