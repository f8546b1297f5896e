/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits a multipart body into its parts while it is received. The upload route calls it.
 */
#include "config.h"

#include "runtime/files/multipart.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/files/form-header.h"

enum state {
	STATE_START, /* before the first boundary */
	STATE_HEAD,  /* in the header section of a part */
	STATE_DATA,  /* in the bytes of a part */
	STATE_END,   /* after the last boundary */
	STATE_FAILED,
	STATE_MAX
};

struct multipart {
	const struct part_calls *calls;
	void *arg;
	enum state state;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* CR LF - - boundary */
	size_t length;
	/* The bytes of the delimiter that have been read; length + 1: and the byte after it. */
	size_t matched;
	char tail; /* that byte: CR or '-' */
	struct buf head;
	unsigned int parts;
};

static const char invalid[] = "Invalid multipart data.";

int multipart_create(const char *content_type, const struct part_calls *calls, void *arg,
		     struct multipart **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf boundary = BUF_INIT(MULTIPART_BOUNDARY_MAX);
	size_t length = content_type == NULL ? 0 : strlen(content_type);

	*ret = NULL;
	if (length == 0 || !form_header_is(content_type, length, "multipart/form-data")) {
		return 0;
	}
	if (!form_header_parameter(content_type, length, "boundary", &boundary)) {
		return error_set(reterr, -EINVAL, "Missing boundary in multipart.");
	}
	if (boundary.failed || boundary.length == 0 ||
	    strpbrk(buf_str(&boundary), "\r\n") != NULL) {
		return error_set(reterr, -EINVAL, "%s", invalid);
	}

	struct multipart *multipart = xnew(struct multipart);

	multipart->calls = calls;
	multipart->arg = arg;
	multipart->head = (struct buf)BUF_INIT(MULTIPART_HEAD_MAX);
	memcpy(multipart->delimiter, "\r\n--", 4);
	memcpy(multipart->delimiter + 4, boundary.data, boundary.length);
	multipart->length = 4 + boundary.length;
	multipart->matched = 2; /* as at the start of a line */
	*ret = multipart;
	return 0;
}

void multipart_destroy(struct multipart *multipart)
{
	if (multipart != NULL) {
		buf_finish(&multipart->head);
		free(multipart);
	}
}

bool multipart_is_complete(const struct multipart *multipart)
{
	return multipart->state == STATE_END;
}

static int multipart_fail(struct multipart *multipart, struct error *reterr, const char *text)
{
	multipart->state = STATE_FAILED;
	return error_set(reterr, -EINVAL, "%s", text);
}

/* ---- header sections ---- */

static int multipart_begin_part(struct multipart *multipart, struct error *reterr)
{
	CLEANUP_BUF struct buf name = BUF_INIT(MULTIPART_HEAD_MAX);
	CLEANUP_BUF struct buf filename = BUF_INIT(2 * MULTIPART_HEAD_MAX);
	const char *value;
	size_t length;

	if (form_header_find(buf_str(&multipart->head), multipart->head.length,
			     "content-disposition", &value, &length) < 0) {
		return multipart_fail(multipart, reterr, invalid);
	}
	if (value == NULL || !form_header_parameter(value, length, "name", &name)) {
		return multipart_fail(
			multipart, reterr,
			"The Content-Disposition header field \"name\" must be provided.");
	}
	if (++multipart->parts > MULTIPART_PARTS_MAX) {
		return multipart_fail(multipart, reterr,
				      "Too many parts. Maximum number of parts is 1000.");
	}

	bool file = form_header_filename(value, length, &filename);
	struct part_names names = {
		.name = buf_str(&name),
		.name_length = name.length,
		.filename = file ? buf_str(&filename) : NULL,
		.filename_length = filename.length,
	};

	multipart->state = STATE_DATA;
	multipart->matched = 0;
	multipart->calls->begin(multipart->arg, &names);
	return 0;
}

/* Reads a header section up to its empty line. Returns how many bytes it has used, or -EINVAL. */
static ssize_t multipart_feed_head(struct multipart *multipart, const char *data, size_t length,
				   struct error *reterr)
{
	struct buf *head = &multipart->head;

	for (size_t i = 0; i < length; i++) {
		buf_append_char(head, data[i]);
		if (head->failed) {
			return multipart_fail(multipart, reterr, invalid);
		}
		if (data[i] != '\n') {
			continue;
		}

		bool empty = head->length == 2 && head->data[0] == '\r';

		if (empty || (head->length >= 4 &&
			      memcmp(head->data + head->length - 4, "\r\n\r\n", 4) == 0)) {
			buf_cut(head, empty ? 0 : head->length - 4);

			int code = multipart_begin_part(multipart, reterr);

			buf_clear(head);
			return code < 0 ? code : (ssize_t)(i + 1);
		}
	}
	return (ssize_t)length;
}

/* ---- boundaries and the bytes between them ---- */

static void multipart_pass_data(struct multipart *multipart, const char *data, size_t length)
{
	if (length > 0) {
		multipart->calls->data(multipart->arg, data, length);
	}
}

/* A whole boundary has been read. */
static void multipart_end_part(struct multipart *multipart)
{
	if (multipart->state == STATE_DATA) {
		multipart->calls->end(multipart->arg);
	}
	multipart->state = multipart->tail == '-' ? STATE_END : STATE_HEAD;
	multipart->matched = 0;
}

/* It was not a boundary, but data. The byte after it may start the next one. */
static int multipart_pass_false_boundary(struct multipart *multipart, struct error *reterr)
{
	size_t matched = multipart->matched;

	if (multipart->state == STATE_START) {
		return multipart_fail(multipart, reterr, invalid);
	}
	multipart->matched = 0;
	if (matched <= multipart->length) {
		multipart_pass_data(multipart, multipart->delimiter, matched);
		return 0;
	}
	multipart_pass_data(multipart, multipart->delimiter, multipart->length);
	if (multipart->tail == '\r') {
		multipart->matched = 1;
	} else {
		multipart_pass_data(multipart, &multipart->tail, 1);
	}
	return 0;
}

/* Reads one byte of what may be a boundary. 1: the byte is used; 0: it must be read again. */
static int multipart_match(struct multipart *multipart, char byte, struct error *reterr)
{
	size_t matched = multipart->matched;

	if (multipart->state == STATE_START && matched == 2 && (byte == '\r' || byte == '\n')) {
		return 1;
	}
	if (matched < multipart->length
		    ? byte == multipart->delimiter[matched]
		    : matched == multipart->length && (byte == '\r' || byte == '-')) {
		multipart->tail = byte;
		multipart->matched++;
		return 1;
	}
	if (matched > multipart->length && byte == (multipart->tail == '-' ? '-' : '\n')) {
		multipart_end_part(multipart);
		return 1;
	}
	return multipart_pass_false_boundary(multipart, reterr);
}

/* How many bytes come before a possible start of a boundary. It compares more than the CR, since
 * binary files are full of CRs and would be passed on in very small pieces. */
static size_t multipart_plain_length(const struct multipart *multipart, const char *data,
				     size_t length)
{
	const char *end = data + length, *cr = data;

	while ((cr = memchr(cr, '\r', (size_t)(end - cr))) != NULL) {
		size_t rest = (size_t)(end - cr);

		if (memcmp(cr, multipart->delimiter,
			   rest < multipart->length ? rest : multipart->length) == 0) {
			return (size_t)(cr - data);
		}
		cr++;
	}
	return length;
}

/* Reads bytes of a part. Returns how many it has used, or -EINVAL. */
static ssize_t multipart_feed_data(struct multipart *multipart, const char *data, size_t length,
				   struct error *reterr)
{
	if (multipart->matched > 0) {
		return multipart_match(multipart, data[0], reterr);
	}

	size_t plain = multipart_plain_length(multipart, data, length);

	multipart_pass_data(multipart, data, plain);
	if (plain == length) {
		return (ssize_t)plain;
	}
	multipart->matched = 1;
	return (ssize_t)plain + 1;
}

int multipart_feed(struct multipart *multipart, const char *data, size_t length,
		   struct error *reterr)
{
	while (length > 0 && multipart->state != STATE_END) {
		ssize_t used;

		if (multipart->state == STATE_FAILED) {
			return error_set(reterr, -EINVAL, "%s", invalid);
		}
		used = multipart->state == STATE_HEAD
			       ? multipart_feed_head(multipart, data, length, reterr)
			       : multipart_feed_data(multipart, data, length, reterr);
		if (used < 0) {
			return (int)used;
		}
		data += used;
		length -= (size_t)used;
	}
	return 0;
}
