/* SPDX-License-Identifier: Apache-2.0 */
/* What the file routes have in common, and their handlers for routes-files.c. */
#ifndef ASB_RUNTIME_FILES_FILES_H
#define ASB_RUNTIME_FILES_FILES_H

#include <stddef.h>

#include "base/buf.h"
#include "runtime/files/path.h"

struct request;

#define FILES_TEXT_MAX (64u << 10) /* a target is shorter */

/* What a request's path names. */
struct lookup {
	const struct base *base;
	struct buf text; /* as asked for, decoded; after lookup_find the text that counted */
	struct buf path; /* the same, cleaned */
	struct place place;
};

/* In the server's thread: copies what was asked for. */
void lookup_init(struct lookup *lookup, const struct request *request);
void lookup_finish(struct lookup *lookup);
/* In a thread of the pool: finds it decoded once; only where that is not there, and it still holds
 * escapes, decoded twice, as old clients encode. 0 with place.fd >= 0, or a negative errno: -EXDEV
 * outside of the base. */
int lookup_find(struct lookup *lookup);

/* Answers an error of finding or opening: 403 outside or without the right, 404 with missing where
 * nothing of that name can be, 503 where it may work later, else 500. */
void files_response_error(struct request *request, int error, const char *missing);

void download_handle(struct request *request);
void list_handle(struct request *request);
void exists_handle(struct request *request);
void upload_start(struct request *request);
void upload_take(struct request *request, const char *data, size_t length);
void upload_handle(struct request *request);

#endif
