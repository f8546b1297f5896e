/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes of files share, and their handlers for routes-files.c. */
#ifndef ASB_RUNTIME_FILES_FILES_H
#define ASB_RUNTIME_FILES_FILES_H

#include <stddef.h>

#include "base/buf.h"
#include "runtime/files/path.h"

struct request;

#define FILES_TEXT_MAX (64u << 10) /* the target of a request is shorter */

/* The lookup of a request's path. */
struct lookup {
	const struct base *base;
	struct buf text; /* the decoded path; after lookup_find the text that was found */
	struct buf path; /* the same, cleaned */
	struct place place;
};

/* In the server's thread: copies the path of the request. */
void lookup_init(struct lookup *lookup, const struct request *request);
void lookup_finish(struct lookup *lookup);
/* In a thread of the pool: looks up the path. If there is no such file and the text still holds
 * escapes, it looks up the text decoded a second time, since old clients encode twice. 0 with
 * place.fd >= 0, or a negative errno: -EXDEV outside of the base. */
int lookup_find(struct lookup *lookup);

/* Responds to an error of the lookup or of opening: 403 outside of the base or without
 * permission, 404 with the message missing when no such file can exist, 503 when it may work
 * later, else 500. */
void files_respond_error(struct request *request, int code, const char *missing);

void download_handle(struct request *request);
void list_handle(struct request *request);
void exists_handle(struct request *request);
void upload_start(struct request *request);
void upload_take(struct request *request, const char *data, size_t length);
void upload_handle(struct request *request);

#endif
