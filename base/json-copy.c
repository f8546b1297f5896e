/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies one JSON value exactly as json-c would print it after reading it, in runs as long as
 * possible: compact text without odd escapes is one run. Called by json-scan.c; what could come out
 * differently is doubt, and json-c's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/json-scanner.h"

#include "base/hex.h"
#include "base/hash.h"

#define DIGITS_MAX 18 /* integers this long fit, whatever the digits */

static int copy_any(struct json_scanner *scanner);

static void copy_flush(struct json_scanner *scanner)
{
	buf_append(scanner->out, scanner->from, (size_t)(scanner->at - scanner->from));
	scanner->from = scanner->at;
}

/* Skips white space, which is not copied. */
static void copy_gap(struct json_scanner *scanner)
{
	if (json_is_space(json_peek(scanner))) {
		copy_flush(scanner);
		json_skip_space(scanner);
		scanner->from = scanner->at;
	}
}

/* ---- strings ---- */

/* Writes a character as json-c prints it. Not for surrogates. */
static void copy_put_character(struct buf *out, unsigned int c)
{
	static const char named[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	const char *name = c < 0x80 ? memchr(named, (int)c, sizeof(named) - 1) : NULL;
	char text[6];
	size_t length = 0;

	if (name != NULL) {
		text[length++] = '\\';
		text[length++] = letters[name - named];
	} else if (c < 0x20) {
		memcpy(text, "\\u00", 4);
		text[4] = HEX_DIGITS[c >> 4];
		text[5] = HEX_DIGITS[c & 15];
		length = 6;
	} else if (c < 0x80) {
		text[length++] = (char)c;
	} else if (c < 0x800) {
		text[length++] = (char)(0xc0 | c >> 6);
		text[length++] = (char)(0x80 | (c & 0x3f));
	} else {
		text[length++] = (char)(0xe0 | c >> 12);
		text[length++] = (char)(0x80 | (c >> 6 & 0x3f));
		text[length++] = (char)(0x80 | (c & 0x3f));
	}
	buf_append(out, text, length);
}

/* Copies an escape, whose backslash is next. Go escapes <, > and &, which json-c then prints as
 * they are. */
static int copy_escape(struct json_scanner *scanner)
{
	unsigned int c = 0;

	if (scanner->end - scanner->at < 2) {
		return -EAGAIN;
	}
	if (memchr("\"\\ntrbf", scanner->at[1], 7) != NULL) {
		scanner->at += 2;
		return 0;
	}
	copy_flush(scanner);
	if (scanner->at[1] == '/') {
		scanner->from = ++scanner->at;
		scanner->at++;
		return 0;
	}
	if (scanner->at[1] != 'u' || scanner->end - scanner->at < 6) {
		return -EAGAIN;
	}
	for (size_t i = 2; i < 6; i++) {
		int digit = hex_value(scanner->at[i]);

		if (digit < 0) {
			return -EAGAIN;
		}
		c = c << 4 | (unsigned int)digit;
	}
	if (c == 0 || (c >= 0xd800 && c < 0xe000)) {
		return -EAGAIN;
	}
	copy_put_character(scanner->out, c);
	scanner->at += 6;
	scanner->from = scanner->at;
	return 0;
}

/* Skips the characters of a string that are copied as they are. */
static void copy_skip_ordinary(struct json_scanner *scanner)
{
	const char *at = scanner->at;

	for (; scanner->end - at >= 8; at += 8) {
		uint64_t word = swar_load(at);
		uint64_t marks =
			swar_equal(word, '"') | swar_equal(word, '\\') | swar_below(word, 0x20);

		if (marks != 0) {
			scanner->at = at + swar_first(marks);
			return;
		}
	}
	while (at < scanner->end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
		at++;
	}
	scanner->at = at;
}

static int copy_string(struct json_scanner *scanner)
{
	scanner->at++;
	for (;;) {
		copy_skip_ordinary(scanner);
		if (json_take(scanner, '"')) {
			return 0;
		}
		if (json_peek(scanner) != '\\' || copy_escape(scanner) < 0) {
			return -EAGAIN;
		}
	}
}

/* ---- numbers and words ---- */

static size_t copy_skip_digits(struct json_scanner *scanner)
{
	const char *start = scanner->at;

	while (json_peek(scanner) >= '0' && json_peek(scanner) <= '9') {
		scanner->at++;
	}
	return (size_t)(scanner->at - start);
}

/* Plain ones only: json-c would print -0 as 0 and keeps what it makes of exponents to itself. */
static int copy_number(struct json_scanner *scanner)
{
	bool negative = json_take(scanner, '-'), zero = json_peek(scanner) == '0', whole = true;
	size_t digits = copy_skip_digits(scanner);

	if (digits == 0 || digits > DIGITS_MAX || (zero && digits > 1)) {
		return -EAGAIN;
	}
	if (json_take(scanner, '.')) {
		whole = false;
		digits = copy_skip_digits(scanner);
		if (digits == 0 || digits > DIGITS_MAX) {
			return -EAGAIN;
		}
	}
	if ((whole && zero && negative) || memchr("eE.+-", json_peek(scanner), 5) != NULL) {
		return -EAGAIN;
	}
	return 0;
}

static int copy_word(struct json_scanner *scanner, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(scanner->end - scanner->at) < length ||
	    memcmp(scanner->at, word, length) != 0) {
		return -EAGAIN;
	}
	scanner->at += length;
	return 0;
}

/* ---- containers ---- */

/* A member name; doubt if the object may have had it before, for json-c would keep the last one
 * only. */
static int copy_name(struct json_scanner *scanner, size_t first)
{
	const char *start = scanner->at + 1;
	uint32_t hash;

	if (json_peek(scanner) != '"' || scanner->names == SCAN_NAMES_MAX) {
		return -EAGAIN;
	}
	scanner->at++;
	copy_skip_ordinary(scanner);
	if (json_peek(scanner) != '"') {
		return -EAGAIN;
	}
	hash = hash32_bytes(HASH32_START, start, (size_t)(scanner->at - start));
	for (size_t i = first; i < scanner->names; i++) {
		if (scanner->hashes[i] == hash) {
			return -EAGAIN;
		}
	}
	scanner->hashes[scanner->names++] = hash;
	scanner->at++;
	return 0;
}

static int copy_members(struct json_scanner *scanner)
{
	size_t first = scanner->names;

	do {
		copy_gap(scanner);
		if (copy_name(scanner, first) < 0) {
			return -EAGAIN;
		}
		copy_gap(scanner);
		if (!json_take(scanner, ':')) {
			return -EAGAIN;
		}
		copy_gap(scanner);
		if (copy_any(scanner) < 0) {
			return -EAGAIN;
		}
		copy_gap(scanner);
	} while (json_take(scanner, ','));
	scanner->names = first;
	return json_take(scanner, '}') ? 0 : -EAGAIN;
}

static int copy_elements(struct json_scanner *scanner)
{
	do {
		copy_gap(scanner);
		if (copy_any(scanner) < 0) {
			return -EAGAIN;
		}
		copy_gap(scanner);
	} while (json_take(scanner, ','));
	return json_take(scanner, ']') ? 0 : -EAGAIN;
}

static int copy_container(struct json_scanner *scanner, char end,
			  int (*copy_inside)(struct json_scanner *scanner))
{
	int code = 0;

	if (scanner->depth == SCAN_DEPTH_MAX) {
		return -EAGAIN;
	}
	scanner->depth++;
	scanner->at++;
	copy_gap(scanner);
	if (!json_take(scanner, end)) {
		code = copy_inside(scanner);
	}
	scanner->depth--;
	return code;
}

static int copy_any(struct json_scanner *scanner)
{
	switch (json_peek(scanner)) {
	case '"':
		return copy_string(scanner);
	case '{':
		return copy_container(scanner, '}', copy_members);
	case '[':
		return copy_container(scanner, ']', copy_elements);
	case 't':
		return copy_word(scanner, "true");
	case 'f':
		return copy_word(scanner, "false");
	case 'n':
		return copy_word(scanner, "null");
	default:
		return copy_number(scanner);
	}
}

int json_copy_value(struct json_scanner *scanner)
{
	scanner->from = scanner->at;

	int code = copy_any(scanner);

	copy_flush(scanner);
	return code;
}
