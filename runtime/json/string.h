/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes JSON strings. The server responds to nobody else while it decodes a command of megabytes,
 * and json-c needs 8 times as long for a text of escapes as this function, whose input is checked
 * already. (json-c also takes U+1D800 to U+1DFFF, and the same of other planes, for half of a
 * surrogate pair.) */
#ifndef ASB_RUNTIME_JSON_STRING_H
#define ASB_RUNTIME_JSON_STRING_H

#include "runtime/json/text.h"

/*
 * Decodes a string that json_text_check has found, with its quotes. The caller frees the result,
 * which has *ret_length bytes and a NUL. Half of a surrogate pair becomes U+FFFD and sets *ret_half
 * to true; *ret_half is never set to false.
 */
char *json_string_decode(struct json_piece piece, size_t *ret_length, bool *ret_half);

#endif
