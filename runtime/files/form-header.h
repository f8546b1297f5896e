/* SPDX-License-Identifier: Apache-2.0 */
/* Reads headers with parameters, such as `form-data; name="file"; filename="a"`, and header
 * sections of parts. */
#ifndef ASB_RUNTIME_FILES_FORM_HEADER_H
#define ASB_RUNTIME_FILES_FORM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether the text before the first ';' is this word, in any case. */
bool form_header_is(const char *value, size_t length, const char *word);
/* Appends the last parameter of that name, in any case. False: there is none. */
bool form_header_parameter(const char *value, size_t length, const char *name, struct buf *ret);
/* Finds the value of a header in a section of CRLF lines; *ret is NULL when there is none. -EINVAL
 * when a line is not a header. */
int form_header_find(const char *head, size_t length, const char *name, const char **ret,
		     size_t *ret_length);
/* Appends the file name of a Content-Disposition in UTF-8: filename, else filename* (RFC 5987, in
 * UTF-8 or Latin-1). False: it has none. */
bool form_header_filename(const char *value, size_t length, struct buf *ret);

#endif
