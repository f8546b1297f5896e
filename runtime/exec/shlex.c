/* SPDX-License-Identifier: Apache-2.0 */
/* The automaton of Python's shlex in posix mode with whitespace_split. It works on bytes: all
 * characters with a meaning are ASCII, so that UTF-8 stays whole. Called by command.c. */
#include "config.h"

#include "runtime/exec/shlex.h"

#include <stdlib.h>

#include "base/memory.h"

enum place { BETWEEN, IN_WORD, IN_SINGLE, IN_DOUBLE, ESCAPED, ESCAPED_IN_DOUBLE };

struct state {
	struct shlex *shlex;
	enum place place;
	size_t begin; /* of the word */
	bool quoted;  /* the word counts even if it is empty */
};

static void shlex_append(struct state *state, char c)
{
	state->shlex->words[state->shlex->size++] = c;
	state->shlex->has_nul = state->shlex->has_nul || c == '\0';
}

static void shlex_end_word(struct state *state)
{
	struct shlex *shlex = state->shlex;
	size_t length = shlex->size - state->begin;

	state->place = BETWEEN;
	if (length == 0 && !state->quoted) {
		return;
	}
	shlex->words[shlex->size++] = '\0';
	shlex->count++;
	shlex->longest = length > shlex->longest ? length : shlex->longest;
	state->begin = shlex->size;
	state->quoted = false;
}

static void shlex_step_outside(struct state *state, char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		shlex_end_word(state);
		return;
	case '\'':
		state->place = IN_SINGLE;
		break;
	case '"':
		state->place = IN_DOUBLE;
		break;
	case '\\':
		state->place = ESCAPED;
		return;
	default:
		state->place = IN_WORD;
		shlex_append(state, c);
		return;
	}
	state->quoted = true;
}

static void shlex_step_quoted(struct state *state, char c)
{
	if (c == (state->place == IN_SINGLE ? '\'' : '"')) {
		state->place = IN_WORD;
	} else if (state->place == IN_DOUBLE && c == '\\') {
		state->place = ESCAPED_IN_DOUBLE;
	} else {
		shlex_append(state, c);
	}
}

static void shlex_step(struct state *state, char c)
{
	switch (state->place) {
	case BETWEEN:
	case IN_WORD:
		shlex_step_outside(state, c);
		break;
	case IN_SINGLE:
	case IN_DOUBLE:
		shlex_step_quoted(state, c);
		break;
	case ESCAPED:
		shlex_append(state, c);
		state->place = IN_WORD;
		break;
	default:
		if (c != '\\' && c != '"') {
			shlex_append(state, '\\');
		}
		shlex_append(state, c);
		state->place = IN_DOUBLE;
		break;
	}
}

const char *shlex_split(const char *text, size_t length, struct shlex *ret)
{
	/* A word is not longer than its text, and each but the last is followed by at least a
	 * byte. */
	*ret = (struct shlex){ .words = xalloc(length + 2) };

	struct state state = { .shlex = ret, .place = BETWEEN };

	for (size_t i = 0; i < length; i++) {
		shlex_step(&state, text[i]);
	}
	if (state.place == IN_SINGLE || state.place == IN_DOUBLE) {
		return "No closing quotation";
	}
	if (state.place == ESCAPED || state.place == ESCAPED_IN_DOUBLE) {
		return "No escaped character";
	}
	shlex_end_word(&state);
	return NULL;
}

void shlex_finish(struct shlex *shlex)
{
	free(shlex->words);
	*shlex = (struct shlex){ 0 };
}
