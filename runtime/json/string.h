/* SPDX-License-Identifier: Apache-2.0 */
/* What JSON strings say. The server answers nobody else while it decodes a command of megabytes, and
 * of one that is all escapes json-c makes 8 times the time that a string needs whose grammar is
 * checked already. (It also takes U+1D800 to U+1DFFF, and the same of other planes, for half a pair.) */
#ifndef ASB_RUNTIME_JSON_STRING_H
#define ASB_RUNTIME_JSON_STRING_H

#include "runtime/json/text.h"

/*
 * The inside of a string that json_text_check found, decoded, the caller's to free: *ret_length bytes
 * and a NUL. UTF-8, but where it has half of a surrogate pair: that becomes U+FFFD, and *ret_half
 * true, which is never set to false.
 */
char *json_string_decode(struct json_piece piece, size_t *ret_length, bool *ret_half);

#endif
