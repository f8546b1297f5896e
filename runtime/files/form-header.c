/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads parameters of MIME headers. Where RFCs leave a choice, it does what Python's servers do.
 * multipart.c calls it for the Content-Type of the request and for the header section of each part.
 */
#include "config.h"

#include "runtime/files/form-header.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "runtime/http/percent.h"

struct text {
	const char *data;
	size_t length;
};

static struct text form_header_trim(struct text text)
{
	while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text.data++;
		text.length--;
	}
	while (text.length > 0 &&
	       (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t')) {
		text.length--;
	}
	return text;
}

static bool form_header_is_word(struct text text, const char *word)
{
	return text.length == strlen(word) && strncasecmp(text.data, word, text.length) == 0;
}

/* The end of the parameter that starts at from: a ';' outside of quotes, or the end of the
 * value. */
static size_t form_header_parameter_end(struct text value, size_t from)
{
	bool quoted = false;

	for (; from < value.length; from++) {
		char c = value.data[from];

		if (quoted && c == '\\') {
			from++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == ';' && !quoted) {
			return from;
		}
	}
	return value.length;
}

/* Appends a value without its quotes. A backslash in quotes escapes only a quote and a backslash,
 * since many clients send names with backslashes unescaped. */
static void form_header_append_unquoted(struct text text, struct buf *ret)
{
	if (text.length < 2 || text.data[0] != '"' || text.data[text.length - 1] != '"') {
		buf_append(ret, text.data, text.length);
		return;
	}
	for (size_t i = 1; i + 1 < text.length; i++) {
		char next = text.data[i] == '\\' && i + 2 < text.length ? text.data[i + 1] : '\0';

		if (next == '"' || next == '\\') {
			i++;
		}
		buf_append_char(ret, text.data[i]);
	}
}

bool form_header_is(const char *value, size_t length, const char *word)
{
	const char *semicolon = memchr(value, ';', length);

	if (semicolon != NULL) {
		length = (size_t)(semicolon - value);
	}
	return form_header_is_word(form_header_trim((struct text){ value, length }), word);
}

bool form_header_parameter(const char *value, size_t length, const char *name, struct buf *ret)
{
	struct text all = { value, length };
	size_t start = ret->length;
	bool found = false;

	/* Skips the value of the header itself. */
	for (size_t at = form_header_parameter_end(all, 0); at < length;) {
		size_t end = form_header_parameter_end(all, at + 1);
		const char *from = value + at + 1;
		size_t size = end - at - 1;
		const char *equals = memchr(from, '=', size);

		at = end;
		if (equals == NULL) {
			continue;
		}

		struct text key = { from, (size_t)(equals - from) };
		struct text text = { equals + 1, size - key.length - 1 };

		if (form_header_is_word(form_header_trim(key), name)) {
			buf_cut(ret, start);
			form_header_append_unquoted(form_header_trim(text), ret);
			found = true;
		}
	}
	return found;
}

static bool form_header_is_token(struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c) != NULL) {
			return false;
		}
	}
	return text.length > 0;
}

int form_header_find(const char *head, size_t length, const char *name, const char **ret,
		     size_t *ret_length)
{
	*ret = NULL;
	*ret_length = 0;
	for (size_t at = 0; at < length;) {
		struct text rest = { head + at, length - at };
		const char *end = memmem(rest.data, rest.length, "\r\n", 2);
		struct text line = { rest.data,
				     end == NULL ? rest.length : (size_t)(end - rest.data) };
		const char *colon = memchr(line.data, ':', line.length);

		if (colon == NULL || memchr(line.data, '\n', line.length) != NULL ||
		    memchr(line.data, '\r', line.length) != NULL) {
			return -EINVAL;
		}

		struct text key = { line.data, (size_t)(colon - line.data) };
		struct text value =
			form_header_trim((struct text){ colon + 1, line.length - key.length - 1 });

		if (!form_header_is_token(key)) {
			return -EINVAL;
		}
		if (form_header_is_word(key, name)) {
			*ret = value.data;
			*ret_length = value.length;
		}
		at += line.length + 2;
	}
	return 0;
}

static void form_header_append_latin1(struct buf *ret, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned int c = (unsigned char)text[i];

		if (c < 0x80) {
			buf_append_char(ret, (char)c);
		} else {
			buf_append_char(ret, (char)(0xc0 | c >> 6));
			buf_append_char(ret, (char)(0x80 | (c & 0x3f)));
		}
	}
}

/* Removes the directories of a Windows path, which old browsers send. */
static void form_header_cut_windows_path(struct buf *name, size_t start)
{
	const char *text = buf_str(name) + start;
	size_t length = name->length - start;
	bool drive = length >= 3 && text[1] == ':' && text[2] == '\\';
	bool share = length >= 2 && text[0] == '\\' && text[1] == '\\';

	if (!drive && !share) {
		return;
	}

	const char *last = memrchr(text, '\\', length);
	size_t skip = (size_t)(last - text) + 1;

	memmove(name->data + start, text + skip, length - skip);
	buf_cut(name, name->length - skip);
}

static bool form_header_is_utf8(const struct buf *text)
{
	return utf8_valid_length(buf_str(text), text->length) == text->length;
}

/* charset'language'percent-encoded */
static bool form_header_append_extended(const char *text, size_t length, struct buf *ret)
{
	const char *first = memchr(text, '\'', length);
	const char *second =
		first == NULL ? NULL : memchr(first + 1, '\'', length - (size_t)(first + 1 - text));
	CLEANUP_BUF struct buf bytes = BUF_INIT(ret->ceiling);

	if (second == NULL) {
		return false;
	}

	struct text charset = { text, (size_t)(first - text) };

	percent_decode(second + 1, length - (size_t)(second + 1 - text), &bytes);
	if (form_header_is_word(charset, "iso-8859-1")) {
		form_header_append_latin1(ret, buf_str(&bytes), bytes.length);
		return true;
	}
	if (form_header_is_word(charset, "utf-8") && form_header_is_utf8(&bytes)) {
		buf_append(ret, buf_str(&bytes), bytes.length);
		return true;
	}
	return false;
}

bool form_header_filename(const char *value, size_t length, struct buf *ret)
{
	CLEANUP_BUF struct buf raw = BUF_INIT(length);

	if (form_header_parameter(value, length, "filename", &raw)) {
		form_header_cut_windows_path(&raw, 0);
		if (form_header_is_utf8(&raw)) {
			buf_append(ret, buf_str(&raw), raw.length);
		} else {
			form_header_append_latin1(ret, buf_str(&raw), raw.length);
		}
		return true;
	}
	return form_header_parameter(value, length, "filename*", &raw) &&
	       form_header_append_extended(buf_str(&raw), raw.length, ret);
}
