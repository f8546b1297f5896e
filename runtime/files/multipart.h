/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses multipart/form-data as it is received, in constant memory. The names of a part are passed
 * in one call, its bytes in any number of calls. It is as strict as the Python server: only line
 * ends may come before the first boundary, lines end in CRLF, and a part has a Content-Disposition
 * with a name. Bytes after the last boundary are ignored.
 */
#ifndef ASB_RUNTIME_FILES_MULTIPART_H
#define ASB_RUNTIME_FILES_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define MULTIPART_BOUNDARY_MAX 256u    /* RFC 2046 allows 70 */
#define MULTIPART_HEAD_MAX (16u << 10) /* a path of 4096 bytes and its quoting fit */
#define MULTIPART_PARTS_MAX 1000u      /* as Starlette counts */

/* The names may hold NULs. */
struct part_names {
	const char *name;
	size_t name_length;
	const char *filename; /* NULL: a field, not a file */
	size_t filename_length;
};

struct part_calls {
	void (*begin)(void *arg, const struct part_names *names);
	void (*data)(void *arg, const char *data, size_t length);
	/* The part is complete. */
	void (*end)(void *arg);
};

struct multipart;

/* content_type is that of the request. Another type: 0 with *ret NULL. This type without a usable
 * boundary: -EINVAL with a text for the client. calls is borrowed. */
int multipart_create(const char *content_type, const struct part_calls *calls, void *arg,
		     struct multipart **ret, struct error *reterr);
void multipart_destroy(struct multipart *multipart);
/* Parses bytes of the body. 0, or -EINVAL with a text for the client; later calls fail too. */
int multipart_feed(struct multipart *multipart, const char *data, size_t length,
		   struct error *reterr);
/* Whether the last boundary has been read. */
bool multipart_is_complete(const struct multipart *multipart);

#endif
