/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the texts of label and field selectors, with the API server's grammar and errors.
 * selector_create calls it. */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/fields.h"
#include "apiserver/objects/objects-private.h"
#include "apiserver/requests/selector-private.h"
#include "apiserver/requests/selector.h"
#include "base/memory.h"
#include "base/number.h"

#define NAME_MAX_LENGTH 63
#define PREFIX_MAX_LENGTH 253

static struct selector_term *selector_add_term(struct selector_terms *terms, const char *key,
					       size_t length, enum selector_operator operator)
{
	struct selector_term *term;

	terms->list = xrealloc(terms->list, (terms->count + 1) * sizeof(*term));
	term = &terms->list[terms->count++];
	*term = (struct selector_term){ .key = xstrndup(key, length), .operator= operator};
	return term;
}

static void selector_add_value(struct selector_term *term, const char *value, size_t length)
{
	/* Room for a power of two of them. */
	if ((term->value_count & (term->value_count - 1)) == 0) {
		size_t size = term->value_count > 0 ? term->value_count * 2 : 1;

		term->values = xrealloc(term->values, size * sizeof(term->values[0]));
	}
	term->values[term->value_count++] = xstrndup(value, length);
}

/* ---- labels ---- */

/* A word or sign of the text; at its end the length is 0. */
struct token {
	const char *start;
	size_t length;
};

struct reader {
	const char *at;
	struct token token; /* the one that comes next */
	struct error *reterr;
};

static bool selector_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool selector_sign(char c)
{
	return c != '\0' && strchr("=!(),><", c) != NULL;
}

static void selector_advance(struct reader *reader)
{
	const char *at = reader->at;

	while (selector_blank(*at)) {
		at++;
	}
	reader->token = (struct token){ at, 0 };
	if (*at == '\0') {
		reader->at = at;
		return;
	}
	if (selector_sign(*at)) {
		at += (*at == '=' || *at == '!') && at[1] == '=' ? 2 : 1;
	} else {
		while (*at != '\0' && !selector_blank(*at) && !selector_sign(*at)) {
			at++;
		}
	}
	reader->token.length = (size_t)(at - reader->token.start);
	reader->at = at;
}

static bool selector_is(const struct reader *reader, const char *text)
{
	return reader->token.length == strlen(text) &&
	       memcmp(reader->token.start, text, reader->token.length) == 0;
}

static bool selector_is_word(const struct reader *reader)
{
	return reader->token.length > 0 && !selector_sign(*reader->token.start);
}

static int selector_expected(struct reader *reader, const char *what)
{
	return objects_fail(reader->reterr, 400,
			    "unable to parse requirement: found '%.*s', expected: %s",
			    (int)(reader->token.length < 100 ? reader->token.length : 100),
			    reader->token.start, what);
}

static bool selector_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A label's name part or value: letters and digits, '-', '_' and '.' only inside. */
static bool selector_qualified(const char *text, size_t length)
{
	if (length == 0 || length > NAME_MAX_LENGTH || !selector_alphanumeric(text[0]) ||
	    !selector_alphanumeric(text[length - 1])) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!selector_alphanumeric(text[i]) && strchr("-_.", text[i]) == NULL) {
			return false;
		}
	}
	return true;
}

/* A DNS subdomain. */
static bool selector_subdomain(const char *text, size_t length)
{
	bool begins = true;

	if (length == 0 || length > PREFIX_MAX_LENGTH) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'),
		     ends = i + 1 == length || text[i + 1] == '.';

		if (!letter && (c != '-' || begins || ends) && (c != '.' || begins)) {
			return false;
		}
		begins = c == '.';
	}
	return !begins;
}

static int selector_check_key(struct reader *reader, const struct token *key)
{
	const char *slash = memchr(key->start, '/', key->length);
	size_t prefix = slash != NULL ? (size_t)(slash - key->start) : 0,
	       name = slash != NULL ? prefix + 1 : 0;

	if ((slash == NULL || selector_subdomain(key->start, prefix)) &&
	    selector_qualified(key->start + name, key->length - name)) {
		return 0;
	}
	return objects_fail(
		reader->reterr, 400,
		"unable to parse requirement: <nil>: Invalid value: \"%.*s\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc'), with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
		(int)(key->length < 100 ? key->length : 100), key->start);
}

static int selector_read_value(struct reader *reader, struct selector_term *term,
			       const struct token *value)
{
	if (value->length > 0 && !selector_qualified(value->start, value->length)) {
		return objects_fail(
			reader->reterr, 400,
			"unable to parse requirement: values[%zu][%.64s]: Invalid value: \"%.*s\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
			term->value_count, term->key,
			(int)(value->length < 100 ? value->length : 100), value->start);
	}
	selector_add_value(term, value->start, value->length);
	return 0;
}

/* "(a,b,)": the values of in and notin. An empty one is a value. */
static int selector_read_set(struct reader *reader, struct selector_term *term)
{
	int status = 0;

	if (!selector_is(reader, "(")) {
		return selector_expected(reader, "'('");
	}
	selector_advance(reader);
	while (status == 0) {
		struct token value = { reader->token.start, 0 };

		if (selector_is_word(reader)) {
			value = reader->token;
			selector_advance(reader);
		}
		status = selector_read_value(reader, term, &value);
		if (status == 0 && selector_is(reader, ")")) {
			selector_advance(reader);
			return 0;
		}
		if (status == 0 && !selector_is(reader, ",")) {
			return selector_expected(reader, "',', ')' or identifier");
		}
		selector_advance(reader);
	}
	return status;
}

/* What stands behind "=", "!=", ">" and the like; nothing is "". */
static int selector_read_exact(struct reader *reader, struct selector_term *term)
{
	struct token value = { reader->token.start, 0 };
	int64_t number;

	if (selector_is_word(reader)) {
		value = reader->token;
		selector_advance(reader);
	} else if (reader->token.length > 0 && !selector_is(reader, ",")) {
		return selector_expected(reader, "identifier");
	}

	int status = selector_read_value(reader, term, &value);

	if (status == 0 && term->operator>= SELECTOR_GREATER && integer_parse(
				   term->values[0], INT64_MIN, INT64_MAX, &number) != 0) {
		return objects_fail(
			reader->reterr, 400,
			"unable to parse requirement: values[0][%.64s]: Invalid value: \"%.100s\": for 'Gt', 'Lt' operators, the value must be an integer",
			term->key, term->values[0]);
	}
	return status;
}

static int selector_read_term(struct reader *reader, struct selector_terms *terms)
{
	static const struct {
		const char *text;
		enum selector_operator operator;
		bool set;
	} operators[] = {
		{ "=", SELECTOR_IN, false },        { "==", SELECTOR_IN, false },
		{ "!=", SELECTOR_NOT_IN, false },   { "in", SELECTOR_IN, true },
		{ "notin", SELECTOR_NOT_IN, true }, { ">", SELECTOR_GREATER, false },
		{ "<", SELECTOR_LESS, false },
	};
	bool negated = selector_is(reader, "!");

	if (negated) {
		selector_advance(reader);
	}
	if (!selector_is_word(reader)) {
		return selector_expected(reader, negated ? "identifier"
							 : "!, identifier, or 'end of string'");
	}

	struct token key = reader->token;
	int status = selector_check_key(reader, &key);

	selector_advance(reader);
	if (status != 0) {
		return status;
	}
	if (negated || reader->token.length == 0 || selector_is(reader, ",")) {
		selector_add_term(terms, key.start, key.length,
				  negated ? SELECTOR_MISSING : SELECTOR_EXISTS);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (selector_is(reader, operators[i].text)) {
			struct selector_term *term = selector_add_term(terms, key.start, key.length,
								       operators[i].operator);

			selector_advance(reader);
			return operators[i].set ? selector_read_set(reader, term)
						: selector_read_exact(reader, term);
		}
	}
	return selector_expected(reader, "in, notin, =, ==, !=, gt, lt");
}

static int selector_check_length(const char *text, struct error *reterr)
{
	return strlen(text) > SELECTOR_TEXT_MAX
		       ? objects_fail(reterr, 400, "the selector is longer than %d bytes",
				      SELECTOR_TEXT_MAX)
		       : 0;
}

int selector_parse_labels(const char *text, struct selector_terms *terms, struct error *reterr)
{
	struct reader reader = { .at = text, .reterr = reterr };
	int status = selector_check_length(text, reterr);

	selector_advance(&reader);
	while (status == 0 && reader.token.length > 0) {
		status = selector_read_term(&reader, terms);
		if (status != 0 || reader.token.length == 0) {
			break;
		}
		if (!selector_is(&reader, ",")) {
			return selector_expected(&reader, "',' or 'end of string'");
		}
		selector_advance(&reader);
		if (reader.token.length == 0) {
			return selector_expected(&reader, "identifier after ','");
		}
		if (terms->count == SELECTOR_TERMS_MAX) {
			return objects_fail(reterr, 400, "the selector has more than %d terms",
					    SELECTOR_TERMS_MAX);
		}
	}
	return status;
}

/* ---- fields ---- */

/* events.k8s.io names the fields of an event in its own way. */
static const char *selector_stored_name(const struct asb_kind *kind, const char *name,
					char *scratch, size_t size)
{
	static const char regarding[] = "regarding.";

	if (strcmp(kind->group, "events.k8s.io") != 0) {
		return name;
	}
	if (strcmp(name, "reportingController") == 0) {
		return "reportingComponent";
	}
	if (strncmp(name, regarding, sizeof(regarding) - 1) == 0) {
		snprintf(scratch, size, "involvedObject.%s", name + sizeof(regarding) - 1);
		return scratch;
	}
	return name;
}

/* Copies a part of the text, its escapes taken off. */
static char *selector_unescaped(const char *text, size_t length)
{
	char *copy = xstrndup(text, length), *out = copy;

	for (const char *at = copy; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
		}
		*out++ = *at;
	}
	*out = '\0';
	return copy;
}

/* How many bytes are before the first of these signs that is not escaped. */
static size_t selector_span(const char *text, size_t length, const char *signs)
{
	size_t at = 0;

	while (at < length && strchr(signs, text[at]) == NULL) {
		at += text[at] == '\\' && at + 1 < length ? 2 : 1;
	}
	return at;
}

static int selector_read_field(struct objects *objects, const struct asb_kind *kind,
			       const char *text, const char *part, size_t length,
			       struct selector_terms *terms, struct error *reterr)
{
	const struct resource *resource = resource_find(objects, kind);
	size_t name_length = selector_span(part, length, "=!");
	const char *sign_at = part + name_length;
	bool differs = name_length + 1 < length && sign_at[0] == '!' && sign_at[1] == '=';
	size_t sign_length = differs ? 2 : 1;

	if (name_length == length || (*sign_at == '!' && !differs)) {
		return objects_fail(reterr, 400,
				    "invalid selector: '%.150s'; can't understand '%.*s'", text,
				    (int)(length < 100 ? length : 100), part);
	}
	if (!differs && name_length + 1 < length && sign_at[1] == '=') {
		sign_length = 2;
	}

	CLEANUP_FREE char *name = xstrndup(part, name_length);
	CLEANUP_FREE char *value =
		selector_unescaped(sign_at + sign_length, length - name_length - sign_length);
	char scratch[128];
	const char *path = resource != NULL
				   ? fields_find(resource, selector_stored_name(kind, name, scratch,
										sizeof(scratch)))
				   : NULL;

	if (path == NULL) {
		return objects_fail(reterr, 400, "field label not supported: %.200s", name);
	}
	selector_add_value(selector_add_term(terms, path, strlen(path),
					     differs ? SELECTOR_NOT_IN : SELECTOR_IN),
			   value, strlen(value));
	return 0;
}

int selector_parse_fields(struct objects *objects, const struct asb_kind *kind, const char *text,
			  struct selector_terms *terms, struct error *reterr)
{
	size_t left = strlen(text);
	int status = selector_check_length(text, reterr);

	for (const char *part = text; status == 0 && left > 0;) {
		size_t length = selector_span(part, left, ",");

		length = length > left ? left : length;
		/* Without one of its terms the selector would select too much. */
		if (length > 0 && terms->count == SELECTOR_TERMS_MAX) {
			return objects_fail(reterr, 400, "the selector has more than %d terms",
					    SELECTOR_TERMS_MAX);
		}
		if (length > 0) {
			status = selector_read_field(objects, kind, text, part, length, terms,
						     reterr);
		}
		length += length < left ? 1 : 0;
		part += length;
		left -= length;
	}
	return status;
}
