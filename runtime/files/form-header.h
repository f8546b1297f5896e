/* SPDX-License-Identifier: Apache-2.0 */
/* Headers with parameters, as `form-data; name="file"; filename="a"`, and the head of a part. */
#ifndef ASB_RUNTIME_FILES_FORM_HEADER_H
#define ASB_RUNTIME_FILES_FORM_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Is what stands before the first ';' this word, in any case? */
bool form_header_is(const char *value, size_t length, const char *word);
/* Appends the parameter of that name, in any case; the last of several. false: there is none. */
bool form_header_parameter(const char *value, size_t length, const char *name, struct buf *ret);
/* The value of the header of that name in a head of CRLF lines; *ret is NULL when it is not there.
 * -EINVAL where a line is no header. */
int form_header_find(const char *head, size_t length, const char *name, const char **ret,
		     size_t *ret_length);
/* Appends the file's name that a Content-Disposition gives: filename, else filename* (RFC 5987, in
 * UTF-8 or Latin-1); always UTF-8. false: it gives none. */
bool form_header_filename(const char *value, size_t length, struct buf *ret);

#endif
