/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data, read as it comes, in constant memory: the parts' names come as one call,
 * their bytes in as many as it takes. Strict where the server it replaces is strict: nothing stands
 * before the first boundary but line ends, lines end in CRLF, a part has a Content-Disposition with
 * a name. What stands behind the last boundary is ignored.
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

/* Text that may hold NULs. */
struct part_names {
	const char *name;
	size_t name_length;
	const char *filename; /* NULL: a field, not a file */
	size_t filename_length;
};

struct part_calls {
	void (*begin)(void *arg, const struct part_names *names);
	void (*data)(void *arg, const char *data, size_t length);
	/* Its boundary has come: it is whole. */
	void (*end)(void *arg);
};

struct multipart;

/* content_type: the request's. *ret is NULL, and 0 returned, where it is another type; -EINVAL with
 * a text for the client where it is this one without a usable boundary. calls is borrowed. */
int multipart_create(const char *content_type, const struct part_calls *calls, void *arg,
		     struct multipart **ret, struct error *reterr);
void multipart_destroy(struct multipart *multipart);
/* Takes bytes of the body. -EINVAL with a text for the client; nothing more is taken then. */
int multipart_feed(struct multipart *multipart, const char *data, size_t length,
		   struct error *reterr);
/* The last boundary has come. */
bool multipart_is_complete(const struct multipart *multipart);

#endif
