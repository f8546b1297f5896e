/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner of JSON whose stack has one byte for each level. Called by json-body.c. */
#include "config.h"

#include "runtime/json/text.h"

#include <string.h>

#include "runtime/http/json-body.h"

struct scanner {
	const char *start, *at, *end;
	const char *what; /* the error; NULL with failed: nested too deep */
	bool failed;
	size_t depth;
	char open[JSON_BODY_DEPTH_MAX];
};

static bool json_text_fail(struct scanner *scanner, const char *at, const char *what)
{
	scanner->at = at;
	scanner->what = what;
	scanner->failed = true;
	return false;
}

static char json_text_peek(const struct scanner *scanner)
{
	return scanner->at < scanner->end ? *scanner->at : '\0';
}

static bool json_text_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void json_text_skip_space(struct scanner *scanner)
{
	while (scanner->at < scanner->end && json_text_is_space(*scanner->at)) {
		scanner->at++;
	}
}

static bool json_text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool json_text_is_hex(char c)
{
	return json_text_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* ---- values without parts ---- */

/* A switch, since it is called for each escape: strchr took as long as everything else together. */
static bool json_text_is_escaped(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return true;
	default:
		return false;
	}
}

static bool json_text_scan_escape(struct scanner *scanner, const char *begin)
{
	const char *backslash = scanner->at++;

	if (scanner->at == scanner->end) {
		return json_text_fail(scanner, begin, "Unterminated string starting at");
	}
	if (*scanner->at != 'u') {
		if (!json_text_is_escaped(*scanner->at)) {
			return json_text_fail(scanner, backslash, "Invalid \\escape");
		}
		scanner->at++;
		return true;
	}
	for (int i = 1; i <= 4; i++) {
		if (scanner->end - scanner->at <= i || !json_text_is_hex(scanner->at[i])) {
			return json_text_fail(scanner, scanner->at, "Invalid \\uXXXX escape");
		}
	}
	scanner->at += 5;
	return true;
}

static bool json_text_scan_string(struct scanner *scanner)
{
	const char *begin = scanner->at++;

	while (scanner->at < scanner->end) {
		unsigned char c = (unsigned char)*scanner->at;

		if (c == '"') {
			scanner->at++;
			return true;
		}
		if (c < 0x20) {
			return json_text_fail(scanner, scanner->at, "Invalid control character at");
		}
		if (c != '\\') {
			scanner->at++;
		} else if (!json_text_scan_escape(scanner, begin)) {
			return false;
		}
	}
	return json_text_fail(scanner, begin, "Unterminated string starting at");
}

static const char *json_text_skip_digits(const struct scanner *scanner, const char *at)
{
	while (at < scanner->end && json_text_is_digit(*at)) {
		at++;
	}
	return at;
}

/* Takes the longest number at the start; the caller checks what follows. */
static bool json_text_scan_number(struct scanner *scanner)
{
	const char *at = scanner->at + (*scanner->at == '-' ? 1 : 0), *digits;

	if (at == scanner->end || !json_text_is_digit(*at)) {
		return json_text_fail(scanner, scanner->at, "Expecting value");
	}
	at = *at == '0' ? at + 1 : json_text_skip_digits(scanner, at);
	if (at < scanner->end && *at == '.') {
		digits = json_text_skip_digits(scanner, at + 1);
		at = digits > at + 1 ? digits : at;
	}
	if (at < scanner->end && (*at == 'e' || *at == 'E')) {
		const char *sign = at + 1;

		sign += sign < scanner->end && (*sign == '+' || *sign == '-') ? 1 : 0;
		digits = json_text_skip_digits(scanner, sign);
		at = digits > sign ? digits : at;
	}
	scanner->at = at;
	return true;
}

static size_t json_text_word_length(const char *at, const char *end, bool *ret_number)
{
	static const char *const words[] = {
		"true", "false", "null", "NaN", "Infinity", "-Infinity"
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t length = strlen(words[i]);

		if ((size_t)(end - at) >= length && memcmp(at, words[i], length) == 0) {
			*ret_number = i >= 3;
			return length;
		}
	}
	return 0;
}

static bool json_text_scan_scalar(struct scanner *scanner)
{
	bool number;
	size_t word = json_text_word_length(scanner->at, scanner->end, &number);
	char c = json_text_peek(scanner);

	if (word > 0) {
		scanner->at += word;
		return true;
	}
	return c == '"' ? json_text_scan_string(scanner)
	       : c == '-' || json_text_is_digit(c)
		       ? json_text_scan_number(scanner)
		       : json_text_fail(scanner, scanner->at, "Expecting value");
}

/* ---- values with parts ---- */

static bool json_text_scan_name(struct scanner *scanner, struct json_piece *ret_name)
{
	const char *begin = scanner->at;

	if (json_text_peek(scanner) != '"') {
		return json_text_fail(scanner, scanner->at,
				      "Expecting property name enclosed in double quotes");
	}
	if (!json_text_scan_string(scanner)) {
		return false;
	}
	*ret_name = (struct json_piece){ begin, (size_t)(scanner->at - begin) };
	json_text_skip_space(scanner);
	if (json_text_peek(scanner) != ':') {
		return json_text_fail(scanner, scanner->at, "Expecting ':' delimiter");
	}
	scanner->at++;
	json_text_skip_space(scanner);
	return true;
}

/* Opens an object or an array. True: a member follows. False: it is empty and closed, or has
 * failed. */
static bool json_text_open(struct scanner *scanner, char open)
{
	if (scanner->depth == JSON_BODY_DEPTH_MAX) {
		return json_text_fail(scanner, scanner->at, NULL);
	}
	scanner->at++;
	json_text_skip_space(scanner);
	if (json_text_peek(scanner) == (open == '{' ? '}' : ']')) {
		scanner->at++;
		return false;
	}
	scanner->open[scanner->depth++] = open;
	return true;
}

struct members {
	void (*call)(void *arg, struct json_piece name, struct json_piece value);
	void *arg;
	struct json_piece name; /* of the outermost object's current member */
	const char *begin;
};

static bool json_text_scan_member_name(struct scanner *scanner, struct members *members)
{
	struct json_piece name;

	if (!json_text_scan_name(scanner, &name)) {
		return false;
	}
	if (scanner->depth == 1) {
		members->name = name;
		members->begin = scanner->at;
	}
	return true;
}

/* After a value: closes what ends here. True: another value follows. False: the end, or an
 * error. */
static bool json_text_next_value(struct scanner *scanner, struct members *members)
{
	while (scanner->depth > 0) {
		char open = scanner->open[scanner->depth - 1];

		if (scanner->depth == 1 && open == '{') {
			members->call(
				members->arg, members->name,
				(struct json_piece){ members->begin,
						     (size_t)(scanner->at - members->begin) });
		}
		json_text_skip_space(scanner);
		if (json_text_peek(scanner) == ',') {
			scanner->at++;
			json_text_skip_space(scanner);
			return open == '[' || json_text_scan_member_name(scanner, members);
		}
		if (json_text_peek(scanner) != (open == '{' ? '}' : ']')) {
			return json_text_fail(scanner, scanner->at, "Expecting ',' delimiter");
		}
		scanner->at++;
		scanner->depth--;
	}
	return false;
}

static void json_text_scan_value(struct scanner *scanner, struct members *members)
{
	do {
		char c = json_text_peek(scanner);

		while ((c == '{' || c == '[') && json_text_open(scanner, c)) {
			if (c == '{' && !json_text_scan_member_name(scanner, members)) {
				return;
			}
			c = json_text_peek(scanner);
			if (c != '{' && c != '[') {
				break;
			}
		}
		if (scanner->failed || (c != '{' && c != '[' && !json_text_scan_scalar(scanner))) {
			return;
		}
	} while (json_text_next_value(scanner, members));
}

/* ---- public functions ---- */

static size_t json_text_count_characters(const char *from, const char *to)
{
	size_t count = 0;

	for (; from < to; from++) {
		count += ((unsigned char)*from & 0xc0) != 0x80 ? 1 : 0;
	}
	return count;
}

bool json_text_check(const char *text, size_t length,
		     void (*on_member)(void *arg, struct json_piece name, struct json_piece value),
		     void *arg, struct json_piece *ret_value, struct json_text_error *reterr)
{
	struct scanner scanner = { .start = text, .at = text, .end = text + length };
	struct members members = { .call = on_member, .arg = arg };

	json_text_skip_space(&scanner);

	const char *begin = scanner.at;

	json_text_scan_value(&scanner, &members);

	const char *end = scanner.at;

	if (!scanner.failed) {
		json_text_skip_space(&scanner);
		if (scanner.at < scanner.end) {
			(void)json_text_fail(&scanner, scanner.at, "Extra data");
		}
	}
	if (scanner.failed) {
		*reterr = (struct json_text_error){ scanner.what,
						    json_text_count_characters(text, scanner.at) };
		return false;
	}
	*ret_value = (struct json_piece){ begin, (size_t)(end - begin) };
	return true;
}

void json_text_compact(struct buf *out, struct json_piece piece)
{
	const char *at = piece.start, *end = piece.start + piece.length;
	bool in_string = false, number;

	while (at < end) {
		const char *from = at;
		size_t word = in_string ? 0 : json_text_word_length(at, end, &number);

		if (word > 0) {
			buf_append(out, number ? "null" : at, number ? 4 : word);
			at += word;
			continue;
		}
		if (in_string && *at == '\\') {
			at++;
		} else if (*at == '"') {
			in_string = !in_string;
		}
		at++;
		if (in_string || !json_text_is_space(*from)) {
			buf_append(out, from, (size_t)(at - from));
		}
	}
}
