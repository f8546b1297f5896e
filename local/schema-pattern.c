/* SPDX-License-Identifier: Apache-2.0 */
/* Translates the patterns of schemas from RE2's language to POSIX extended expressions and matches
 * them. Schemas compile and apply them. */
#include "config.h"

#include "local/schema-pattern.h"

#include "base/buf.h"
#include "base/memory.h"

#include <ctype.h>
#include <regex.h>
#include <stdint.h>
#include <string.h>

#define ERE_MAX (32u * PATTERN_MAX) /* \w and the like take more room than they had */
#define BYTES 256

struct pattern {
	regex_t regex;
};

/* What is read and written so far. */
struct translation {
	const char *at;
	struct buf *out;
	size_t depth;
	uint64_t
		repeat[PATTERN_DEPTH_MAX + 1]; /* the most an open group's content repeats inside */
	uint64_t last;                         /* the same of the last thing read */
	bool something;                        /* there is one: a bound may follow */
};

/* ---- classes ---- */

static void add_range(bool set[BYTES], int first, int last)
{
	for (int i = first; i <= last; i++) {
		set[i] = true;
	}
}

/* \d and so on; false: it is none of them. */
static bool add_perl_class(bool set[BYTES], char letter)
{
	bool found[BYTES] = { false };

	switch (tolower((unsigned char)letter)) {
	case 'd':
		add_range(found, '0', '9');
		break;
	case 'w':
		add_range(found, '0', '9');
		add_range(found, 'A', 'Z');
		add_range(found, 'a', 'z');
		found['_'] = true;
		break;
	case 's':
		add_range(found, '\t', '\n');
		add_range(found, '\f', '\r');
		found[' '] = true;
		break;
	default:
		return false;
	}
	for (int i = 1; i < BYTES; i++) {
		set[i] = set[i] || found[i] != (isupper((unsigned char)letter) != 0);
	}
	return true;
}

/* [:alpha:] inside of a class. Returns what follows, or NULL. */
static const char *add_named_class(bool set[BYTES], const char *text)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} names[] = {
		{ "[:alpha:]", isalpha }, { "[:digit:]", isdigit }, { "[:alnum:]", isalnum },
		{ "[:upper:]", isupper }, { "[:lower:]", islower }, { "[:space:]", isspace },
		{ "[:blank:]", isblank }, { "[:punct:]", ispunct }, { "[:xdigit:]", isxdigit },
		{ "[:print:]", isprint }, { "[:graph:]", isgraph }, { "[:cntrl:]", iscntrl },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t length = strlen(names[i].name);

		if (strncmp(text, names[i].name, length) == 0) {
			for (int byte = 1; byte < 128; byte++) {
				set[byte] = set[byte] || names[i].is(byte);
			}
			return text + length;
		}
	}
	return NULL;
}

static int hex_value(char digit)
{
	return isdigit((unsigned char)digit)    ? digit - '0'
	       : isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10
						: -1;
}

/* The byte an escape stands for, *text at what follows the backslash; -1: it stands for none. */
static int read_escape(const char **text)
{
	static const char letters[] = "tnrfva", bytes[] = "\t\n\r\f\v\a";
	char letter = **text;
	const char *known = letter != '\0' ? strchr(letters, letter) : NULL;

	if (letter == 'x' && hex_value((*text)[1]) >= 0 && hex_value((*text)[2]) >= 0) {
		int byte = hex_value((*text)[1]) * 16 + hex_value((*text)[2]);

		*text += 3;
		return byte > 0 && byte < 128 ? byte : -1;
	}
	if (known != NULL) {
		(*text)++;
		return bytes[known - letters];
	}
	if (ispunct((unsigned char)letter)) {
		(*text)++;
		return letter;
	}
	return -1;
}

/* One byte of a class, escapes undone; -1: none we know. */
static int read_class_byte(const char **text)
{
	if (**text == '\\') {
		(*text)++;
		return read_escape(text);
	}
	if (**text == '\0' || (unsigned char)**text >= 128) {
		return -1;
	}
	return *(*text)++;
}

static bool read_class_item(bool set[BYTES], const char **text)
{
	int first, last;

	if (**text == '[' && (*text)[1] == ':') {
		*text = add_named_class(set, *text);
		return *text != NULL;
	}
	if (**text == '\\' && add_perl_class(set, (*text)[1])) {
		*text += 2;
		return true;
	}
	first = read_class_byte(text);
	if (first < 0) {
		return false;
	}
	last = first;
	if (**text == '-' && (*text)[1] != ']') {
		(*text)++;
		last = read_class_byte(text);
	}
	if (last < first) {
		return false;
	}
	add_range(set, first, last);
	return true;
}

/* Writes a set so that POSIX reads it: ] first, then what is ordinary, [ ^ - last. */
static bool write_set(struct buf *out, const bool set[BYTES])
{
	char bytes[BYTES + 1];
	size_t count = 0;

	for (int i = 1; i < BYTES; i++) {
		if (set[i] && strchr("][^-", i) == NULL) {
			bytes[count++] = (char)i;
		}
	}
	bytes[count] = '\0';
	if (count == 0 && !set[']'] && !set['[']) {
		/* ^ must not be first; with - it need not be. */
		return (set['^'] || set['-']) && buf_append_str(out, !set['-']  ? "\\^"
								     : set['^'] ? "[-^]"
										: "-") == 0;
	}
	return buf_printf(out, "[%s%s%s%s%s]", set[']'] ? "]" : "", bytes, set['['] ? "[" : "",
			  set['^'] ? "^" : "", set['-'] ? "-" : "") == 0;
}

static bool translate_class(struct translation *t)
{
	bool set[BYTES] = { false }, negate = t->at[1] == '^', first = true;

	t->at += negate ? 2 : 1;
	while (*t->at != ']' || first) {
		if (!read_class_item(set, &t->at)) {
			return false;
		}
		first = false;
	}
	t->at++;
	for (int i = 1; negate && i < BYTES; i++) {
		set[i] = !set[i];
	}
	return write_set(t->out, set);
}

/* ---- the rest ---- */

static bool write_byte(struct buf *out, int byte)
{
	if (strchr("\\.[]{}()*+?|^$", byte) != NULL) {
		buf_append_char(out, '\\');
	}
	return buf_append_char(out, (char)byte) == 0;
}

static bool translate_escape(struct translation *t)
{
	bool set[BYTES] = { false };
	int byte;

	t->at++;
	if (*t->at == 'A' || *t->at == 'z') {
		t->something = false;
		return buf_append_char(t->out, *t->at++ == 'A' ? '^' : '$') == 0;
	}
	if (add_perl_class(set, *t->at)) {
		t->at++;
		return write_set(t->out, set);
	}
	byte = read_escape(&t->at);
	return byte > 0 && write_byte(t->out, byte);
}

/* ( or (?: or (?P<name> or (?<name> */
static bool open_group(struct translation *t)
{
	const char *end;

	t->at++;
	if (t->at[0] == '?' && t->at[1] == ':') {
		t->at += 2;
	} else if (t->at[0] == '?') {
		t->at += t->at[1] == 'P' ? 2 : 1;
		end = strchr(t->at, '>');
		if (*t->at != '<' || end == NULL || strchr("=!", t->at[1]) != NULL) {
			return false;
		}
		t->at = end + 1;
	}
	if (t->depth == PATTERN_DEPTH_MAX) {
		return false;
	}
	t->repeat[++t->depth] = 1;
	t->something = false;
	return buf_append_char(t->out, '(') == 0;
}

static bool close_group(struct translation *t)
{
	if (t->depth == 0) {
		return false;
	}
	t->at++;
	t->last = t->repeat[t->depth--];
	t->something = true;
	return buf_append_char(t->out, ')') == 0;
}

/* {n}, {n,}, {n,m}: the larger number goes to *ret. NULL: it is none, and { is a letter. */
static const char *read_bound(const char *text, uint64_t *ret)
{
	uint64_t least = 0, most = 0;

	if (!isdigit((unsigned char)*++text)) {
		return NULL;
	}
	for (; isdigit((unsigned char)*text) && least <= PATTERN_REPEAT_MAX; text++) {
		least = least * 10 + (uint64_t)(*text - '0');
	}
	if (*text == ',') {
		for (text++; isdigit((unsigned char)*text) && most <= PATTERN_REPEAT_MAX; text++) {
			most = most * 10 + (uint64_t)(*text - '0');
		}
	}
	*ret = most > least ? most : least;
	return *text == '}' ? text + 1 : NULL;
}

static bool translate_repeat(struct translation *t)
{
	const char *start = t->at, *end = start + 1;
	uint64_t times = 1;

	if (*start == '{') {
		end = read_bound(start, &times);
		if (end == NULL) {
			t->at++;
			t->last = 1;
			t->something = true;
			return write_byte(t->out, '{');
		}
	}
	times = (times > 0 ? times : 1) * t->last;
	if (!t->something || times > PATTERN_REPEAT_MAX) {
		return false;
	}
	if (times > t->repeat[t->depth]) {
		t->repeat[t->depth] = times;
	}
	buf_append(t->out, start, (size_t)(end - start));
	/* Whether it finds the shortest or the longest is all the same here. */
	t->at = *end == '?' ? end + 1 : end;
	t->something = false;
	return true;
}

static bool translate_one(struct translation *t)
{
	switch (*t->at) {
	case '(':
		return open_group(t);
	case ')':
		return close_group(t);
	case '*':
	case '+':
	case '?':
	case '{':
		return translate_repeat(t);
	case '|':
	case '^':
	case '$':
		t->something = false;
		return buf_append_char(t->out, *t->at++) == 0;
	default:
		break;
	}
	t->last = 1;
	t->something = true;
	if (*t->at == '[') {
		return translate_class(t);
	}
	if (*t->at == '\\') {
		return translate_escape(t);
	}
	if (*t->at == '.') {
		t->at++;
		return buf_append_str(t->out, "[^\n]") == 0;
	}
	return write_byte(t->out, *t->at++);
}

static bool translate(const char *text, struct buf *out)
{
	struct translation t = { .at = text, .out = out, .last = 1 };

	t.repeat[0] = 1;
	/* A search tries every place and is quadratic; anchored, with anything before, it is one
	 * pass. */
	buf_append_str(out, "^.*(");
	while (*t.at != '\0') {
		if (!translate_one(&t)) {
			return false;
		}
	}
	return t.depth == 0 && buf_append_char(out, ')') == 0 && !out->failed;
}

struct pattern *pattern_compile(const char *text)
{
	CLEANUP_BUF struct buf ere = BUF_INIT(ERE_MAX);
	struct pattern *pattern;

	if (strlen(text) > PATTERN_MAX || !translate(text, &ere)) {
		return NULL;
	}
	pattern = xnew(struct pattern);
	if (regcomp(&pattern->regex, buf_str(&ere), REG_EXTENDED | REG_NOSUB) != 0) {
		free(pattern);
		return NULL;
	}
	return pattern;
}

void pattern_destroy(struct pattern *pattern)
{
	if (pattern != NULL) {
		regfree(&pattern->regex);
		free(pattern);
	}
}

bool pattern_matches(const struct pattern *pattern, const char *text)
{
	return regexec(&pattern->regex, text, 0, NULL, 0) == 0;
}
