/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the header section of a request: its size, and that no other server can read it in another
 * way. Called by exchange.c. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "runtime/http/server-private.h"

static const char token_characters[] =
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct head {
	size_t size, count, lengths, codings, hosts;
	const char *begin, *end; /* of the lines seen so far */
	bool odd;
};

static bool head_is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 20 && text[digits] == '\0';
}

static bool head_is_name(const char *text, size_t length)
{
	return length > 0 && strlen(text) == length && strspn(text, token_characters) == length;
}

/* A proxy that takes a CR or a NUL for the end of a line reads another header section. */
static bool head_is_value(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/* libmicrohttpd leaves names and values where it read them and ends each line with two NULs. There
 * is a gap where it has dropped a line, cut one at a NUL, ended one at an LF without CR, or joined
 * two lines: it appends the second one to the name, so that "Content-: 5" and " Length" become
 * Content-Length. */
static bool head_has_gap(struct head *head, const char *name, const char *value, size_t length)
{
	bool gap = head->end != NULL && name != head->end;

	head->begin = head->begin != NULL ? head->begin : name;
	head->end = value + length + 2;
	return gap;
}

/* The same check for the first and the last line. */
static bool head_is_whole(const struct request *request, const struct head *head)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t first = strlen(request->method) + strlen(request->target) + strlen("  HTTP/1.1\r\n");

	return info->header_size == first + (size_t)(head->end - head->begin) + strlen("\r\n");
}

static enum MHD_Result head_count_header(void *arg, enum MHD_ValueKind kind UNUSED,
					 const char *name, size_t name_length, const char *value,
					 size_t length)
{
	struct head *head = arg;
	const char *text = value != NULL ? value : "";

	head->count++;
	head->size += name_length + length + 4;
	head->odd = head_has_gap(head, name, text, length) || head->odd ||
		    !head_is_name(name, name_length) || !head_is_value(text, length);
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		head->lengths++;
		head->odd = head->odd || !head_is_number(text);
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		head->codings++;
		head->odd = head->odd || strcasecmp(text, "chunked") != 0;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		head->hosts++;
	}
	return MHD_YES;
}

unsigned int head_check(const struct request *request)
{
	struct head head = { 0 };

	if (strlen(request->target) > TARGET_MAX) {
		return MHD_HTTP_URI_TOO_LONG;
	}
	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, head_count_header, &head);
	if (head.size > HEAD_MAX || head.count > HEADERS_MAX) {
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	}
	/* Requests are smuggled where a proxy and a server disagree about the end of a body. */
	if (head.odd || head.lengths + head.codings > 1 || head.hosts > 1 ||
	    !head_is_whole(request, &head)) {
		return MHD_HTTP_BAD_REQUEST;
	}
	return 0;
}
