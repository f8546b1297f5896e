/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks JSON text along declared names and steps over everything else as fast as strings and
 * brackets allow. Watches call it for each frame, the store for each object.
 */
#include "config.h"

#include "base/json-scan.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/json-scanner.h"
#include "base/macros.h"

#define CHILDREN_MAX 64 /* of one object that are declared: a bit each says which were there */
#define MEMBERS_MAX 16

/* The meaning of a byte outside of strings, for a reader that only looks for the end of a value. */
enum class { BAD, PLAIN, QUOTE, OPEN, CLOSE };

/* Single quotes, comments and NaN, which json-c takes, are BAD here: no doubt may remain about
 * where strings begin. */
static const unsigned char classes[UCHAR_MAX + 1] = {
	[' '] = PLAIN, ['\n'] = PLAIN, ['\r'] = PLAIN, ['\t'] = PLAIN, [','] = PLAIN, [':'] = PLAIN,
	['+'] = PLAIN, ['-'] = PLAIN,  ['.'] = PLAIN,  ['0'] = PLAIN,  ['1'] = PLAIN, ['2'] = PLAIN,
	['3'] = PLAIN, ['4'] = PLAIN,  ['5'] = PLAIN,  ['6'] = PLAIN,  ['7'] = PLAIN, ['8'] = PLAIN,
	['9'] = PLAIN, ['E'] = PLAIN,  ['e'] = PLAIN,  ['t'] = PLAIN,  ['r'] = PLAIN, ['u'] = PLAIN,
	['f'] = PLAIN, ['a'] = PLAIN,  ['l'] = PLAIN,  ['s'] = PLAIN,  ['n'] = PLAIN, ['"'] = QUOTE,
	['{'] = OPEN,  ['['] = OPEN,   ['}'] = CLOSE,  [']'] = CLOSE,
};

/* ---- stepping over ---- */

/* What follows the string whose opening quote is before at; NULL if it has no end. */
static const char *scan_after_string(const char *at, const char *end)
{
	for (;;) {
		at = json_find_quote(at, end);
		if (end - at < 2) {
			return NULL;
		}
		if (*at == '"') {
			return at + 1;
		}
		at += 2;
	}
}

/* Skips an object or array. It looks at brackets and strings only. */
static int scan_skip_container(struct json_scanner *scanner)
{
	const char *at = scanner->at, *end = scanner->end;
	char closers[SCAN_DEPTH_MAX];
	unsigned int depth = 0, room = SCAN_DEPTH_MAX - scanner->depth;

	/* at < end holds at the top: all but the last byte is stepped over with another one known
	 * to follow. */
	for (;;) {
		unsigned char class = classes[(unsigned char)*at];

		if (class == PLAIN) {
			at++;
		} else if (class == QUOTE) {
			at = scan_after_string(at + 1, end);
			if (at == NULL) {
				return -EAGAIN;
			}
		} else if (class == OPEN && depth < room) {
			closers[depth++] = *at == '{' ? '}' : ']';
			at++;
		} else if (class == CLOSE && closers[depth - 1] == *at) {
			at++;
			if (--depth == 0) {
				scanner->at = at;
				return 0;
			}
			if (at == end) {
				return -EAGAIN;
			}
		} else {
			return -EAGAIN;
		}
	}
}

static int scan_skip_string(struct json_scanner *scanner)
{
	const char *after = scan_after_string(scanner->at + 1, scanner->end);

	if (after == NULL) {
		return -EAGAIN;
	}
	scanner->at = after;
	return 0;
}

/* Skips a number, true, false or null, or text that looks like one. */
static int scan_skip_scalar(struct json_scanner *scanner)
{
	const char *start = scanner->at;

	while (classes[(unsigned char)json_peek(scanner)] == PLAIN && *scanner->at != ',' &&
	       *scanner->at != ':' && !json_is_space(*scanner->at)) {
		scanner->at++;
	}
	return scanner->at == start ? -EAGAIN : 0;
}

static int scan_skip_value(struct json_scanner *scanner)
{
	switch (json_peek(scanner)) {
	case '"':
		return scan_skip_string(scanner);
	case '{':
	case '[':
		return scan_skip_container(scanner);
	default:
		return scan_skip_scalar(scanner);
	}
}

/* ---- walking ---- */

/* Prepares the scanner for a text that begins and ends like an object. */
static int scan_begin(struct json_scanner *scanner, const char *text, size_t length)
{
	scanner->at = text;
	scanner->end = text + length;
	scanner->depth = 0;
	scanner->names = 0;
	while (scanner->end > text && json_is_space(scanner->end[-1])) {
		scanner->end--;
	}
	json_skip_space(scanner);
	if (scanner->end == text || scanner->end[-1] != '}' || !json_take(scanner, '{')) {
		return -EAGAIN;
	}
	return 0;
}

/* Reads a member's name, inside the quotes, and the colon. One with an escape might be any name. */
static int scan_read_name(struct json_scanner *scanner, const char **ret_name, size_t *ret_length)
{
	json_skip_space(scanner);
	if (!json_take(scanner, '"')) {
		return -EAGAIN;
	}

	const char *name = scanner->at;

	scanner->at = json_find_quote(name, scanner->end);
	*ret_name = name;
	*ret_length = (size_t)(scanner->at - name);
	if (!json_take(scanner, '"')) {
		return -EAGAIN;
	}
	json_skip_space(scanner);
	if (!json_take(scanner, ':')) {
		return -EAGAIN;
	}
	json_skip_space(scanner);
	return 0;
}

/* What follows a member: 1 for another, 0 for the end of the object. */
static int scan_read_separator(struct json_scanner *scanner)
{
	json_skip_space(scanner);
	if (json_take(scanner, ',')) {
		return 1;
	}
	return json_take(scanner, '}') ? 0 : -EAGAIN;
}

/* Steps over a comma-less end right after the opening bracket. */
static bool scan_is_empty(struct json_scanner *scanner)
{
	json_skip_space(scanner);
	return json_take(scanner, '}');
}

static int scan_walk_object(struct json_scanner *scanner, const struct json_field *field,
			    bool *ret_any);

/* Copies a wanted member, whose value is next, to out. */
static int scan_walk_member(struct json_scanner *scanner, const struct json_field *field, bool *any)
{
	struct buf *out = scanner->out;
	size_t before = out->length;
	bool inside = false;
	int code;

	if (!field->whole && json_peek(scanner) != '{') {
		return scan_skip_value(scanner);
	}
	if (*any) {
		buf_append_char(out, ',');
	}
	buf_append(out, field->text, field->text_length);
	if (field->whole) {
		*any = true;
		return json_copy_value(scanner);
	}
	buf_append_char(out, '{');
	scanner->at++;
	scanner->depth++;
	code = scanner->depth > SCAN_DEPTH_MAX ? -EAGAIN
					       : scan_walk_object(scanner, field, &inside);
	scanner->depth--;
	if (inside) {
		*any = true;
		buf_append_char(out, '}');
	} else {
		out->length = before;
	}
	return code;
}

/* Goes through the object whose bracket has been read. Whether anything of it was wanted goes to
 * *ret_any. */
static int scan_walk_object(struct json_scanner *scanner, const struct json_field *field,
			    bool *ret_any)
{
	uint64_t seen = 0;
	bool any = false;
	int code = scan_is_empty(scanner) ? 0 : 1;

	while (code == 1) {
		const char *name;
		size_t length, i;

		if (scan_read_name(scanner, &name, &length) < 0) {
			return -EAGAIN;
		}
		i = json_field_find(field, name, length);
		if (i == field->count) {
			code = scan_skip_value(scanner);
		} else if (i >= CHILDREN_MAX || (seen & UINT64_C(1) << i) != 0) {
			return -EAGAIN;
		} else {
			seen |= UINT64_C(1) << i;
			code = scan_walk_member(scanner, &field->children[i], &any);
		}
		if (code == 0) {
			code = scan_read_separator(scanner);
		}
	}
	*ret_any = any;
	return code;
}

int json_scan_extract(const struct json_fields *fields, const char *text, size_t length,
		      struct buf *out)
{
	struct json_scanner scanner;
	size_t before = out->length;
	bool any;

	if (scan_begin(&scanner, text, length) < 0) {
		return -EAGAIN;
	}
	scanner.out = out;
	scanner.depth = 1;
	buf_append_char(out, '{');

	int code = scan_walk_object(&scanner, &fields->root, &any);

	if (code == 0 && scanner.at != scanner.end) {
		code = -EAGAIN;
	}
	if (buf_append_char(out, '}') < 0) {
		code = -ENOSPC;
	}
	if (code < 0) {
		buf_cut(out, before);
	}
	return code;
}

int json_scan_members(const char *text, size_t length, const char *const *names, size_t count,
		      struct json_span *ret_spans)
{
	struct json_span spans[MEMBERS_MAX] = { { 0 } };
	size_t lengths[MEMBERS_MAX];
	struct json_scanner scanner;
	int code;

	if (count > MEMBERS_MAX || scan_begin(&scanner, text, length) < 0) {
		return -EAGAIN;
	}
	scanner.depth = 1;
	for (size_t i = 0; i < count; i++) {
		lengths[i] = strlen(names[i]);
	}
	code = scan_is_empty(&scanner) ? 0 : 1;
	while (code == 1) {
		const char *name, *start;
		size_t name_length, i = 0;

		if (scan_read_name(&scanner, &name, &name_length) < 0) {
			return -EAGAIN;
		}
		start = scanner.at;
		if (scan_skip_value(&scanner) < 0) {
			return -EAGAIN;
		}
		while (i < count &&
		       (lengths[i] != name_length || memcmp(names[i], name, name_length) != 0)) {
			i++;
		}
		if (i < count && spans[i].start != NULL) {
			return -EAGAIN;
		}
		if (i < count) {
			spans[i] = (struct json_span){ .start = start,
						       .length = (size_t)(scanner.at - start) };
		}
		code = scan_read_separator(&scanner);
	}
	if (code < 0 || scanner.at != scanner.end) {
		return -EAGAIN;
	}
	memcpy(ret_spans, spans, count * sizeof(*spans));
	return 0;
}

bool json_span_text(const struct json_span *span, const char **ret_text, size_t *ret_length)
{
	if (span->start == NULL || span->length < 2 || *span->start != '"' ||
	    memchr(span->start, '\\', span->length) != NULL) {
		return false;
	}
	*ret_text = span->start + 1;
	*ret_length = span->length - 2;
	return true;
}
