/* SPDX-License-Identifier: Apache-2.0 */
/* What the file routes have in common, and their handlers for routes-files.c. */
#ifndef ASB_RUNTIME_FILES_H
#define ASB_RUNTIME_FILES_H

#include "base/buf.h"
#include "runtime/path.h"

#include <stddef.h>

struct request;

/* Finds what the request's path names: decoded once; only where that is not there, and it still
 * holds escapes, decoded twice, as old clients encode. *ret_text is the text that counted, decoded,
 * as asked for; *ret_path the same, cleaned. Both must be empty with a ceiling of FILES_TEXT_MAX. 0
 * with ret->fd >= 0, or a negative errno: -EXDEV outside of the base. */
int files_find(const struct request *request, struct buf *ret_text, struct buf *ret_path,
	       struct place *ret);
#define FILES_TEXT_MAX (64u << 10) /* a target is shorter */

/* Answers an error of finding or opening: 403 outside or without the right, 404 with missing where
 * nothing of that name can be, else 500. */
void files_answer_error(struct request *request, int error, const char *missing);

void download_handle(struct request *request);
void list_handle(struct request *request);
void exists_handle(struct request *request);
void upload_start(struct request *request);
void upload_take(struct request *request, const char *data, size_t length);
void upload_handle(struct request *request);

#endif
