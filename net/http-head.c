/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the status line of a response. Called by what speaks HTTP only to begin. */
#include "config.h"

#include "net/http-head.h"

#include <errno.h>
#include <string.h>

#define PREFIX "HTTP/1."

static bool head_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 Switching Protocols" */
int http_head_status(const struct buf *response, size_t *ret_length)
{
	const char *text = buf_str(response), *end = strstr(text, "\r\n\r\n");
	const char *code = text + strlen(PREFIX "1 ");

	if (strncmp(text, PREFIX, strnlen(text, strlen(PREFIX))) != 0) {
		return -EPROTO;
	}
	if (end == NULL) {
		return 0;
	}
	if (end < code + 3 || code[-1] != ' ' || code[0] == '0' || !head_is_digit(code[0]) ||
	    !head_is_digit(code[1]) || !head_is_digit(code[2]) || head_is_digit(code[3])) {
		return -EPROTO;
	}
	*ret_length = (size_t)(end - text) + 4;
	return (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
}
