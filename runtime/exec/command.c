/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a command's text into what execve takes. The kernel's limits are checked before a child is
 * started. Called by execution.c and main.c. */
#include "config.h"

#include "runtime/exec/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/shlex.h"

#define ARGUMENT_MAX 131072u  /* MAX_ARG_STRLEN: 32 pages, the NUL included */
#define ARGUMENTS_SPARE 4096u /* what the kernel adds to them */
#define DEFAULT_PATH "/bin:/usr/bin"
#define OWN_PREFIX "SANDBOX_TOKEN"

void command_finish(struct command *command)
{
	for (size_t i = 0; i < command->pair_count; i++) {
		free(command->pairs[i].name);
		free(command->pairs[i].value);
	}
	free(command->pairs);
	free(command->text);
	free(command->cwd);
	free(command->input);
	*command = (struct command){ 0 };
}

/* ---- errors ---- */

/* Appends a text as Python's repr does, but characters beyond ASCII stay as they are. */
static void command_append_repr(struct buf *out, const char *text)
{
	char quote = strchr(text, '\'') != NULL && strchr(text, '"') == NULL ? '"' : '\'';

	buf_append_char(out, quote);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\\' || *text == quote) {
			buf_printf(out, "\\%c", c);
		} else if (c == '\n' || c == '\r' || c == '\t') {
			buf_append_str(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\x%02x", c);
		} else {
			buf_append_char(out, *text);
		}
	}
	buf_append_char(out, quote);
}

void command_error(struct buf *out, int number, const char *name)
{
	buf_printf(out, "[Errno %d] %s: ", number, strerror(number));
	command_append_repr(out, name);
}

/* ---- environment ---- */

static bool command_is_server_variable(const char *variable)
{
	return strncmp(variable, OWN_PREFIX, sizeof(OWN_PREFIX) - 1) == 0;
}

char **command_environment(char *const *environment, const char *home)
{
	size_t count = 0;

	while (environment[count] != NULL) {
		count++;
	}

	char **result = xnew_array(char *, count + 2);
	size_t kept = 0;

	if (home != NULL && home[0] != '\0') {
		result[kept++] = xprintf("HOME=%s", home);
	}
	for (size_t i = 0; i < count; i++) {
		if (!command_is_server_variable(environment[i]) &&
		    (home == NULL || home[0] == '\0' || strncmp(environment[i], "HOME=", 5) != 0)) {
			result[kept++] = environment[i];
		}
	}
	return result;
}

static bool command_sets_variable(const char *variable, const struct json_pair *pair)
{
	return strncmp(variable, pair->name, pair->name_length) == 0 &&
	       variable[pair->name_length] == '=';
}

static void command_set_variable(char **variables, size_t *count, const struct json_pair *pair)
{
	for (size_t i = 0; i < *count; i++) {
		if (command_sets_variable(variables[i], pair)) {
			variables[i] = variables[--*count];
			break;
		}
	}
	variables[(*count)++] = xprintf("%s=%s", pair->name, pair->value);
}

/* Borrows the server's strings. Those made of pairs are listed again after the NULL, to be
 * freed. */
static char **command_make_environment(const struct command *command, char *const *environment)
{
	size_t count = 0;

	while (environment[count] != NULL) {
		count++;
	}

	char **result = xnew_array(char *, count + 2 * command->pair_count + 2);

	memcpy(result, environment, count * sizeof(*result));

	CLEANUP_BUF struct buf made = BUF_INIT(JSON_BODY_PAIRS_MAX * sizeof(char *));

	for (size_t i = 0; i < command->pair_count; i++) {
		command_set_variable(result, &count, &command->pairs[i]);
		buf_append(&made, &result[count - 1], sizeof(char *));
	}
	result[count] = NULL;
	if (made.length > 0) {
		memcpy(result + count + 1, made.data, made.length);
	}
	return result;
}

static const char *command_check_environment(const struct command *command)
{
	for (size_t i = 0; i < command->pair_count; i++) {
		const struct json_pair *pair = &command->pairs[i];

		if (strlen(pair->name) != pair->name_length ||
		    strlen(pair->value) != pair->value_length) {
			return "embedded null byte";
		}
		if (pair->name_length == 0 || strchr(pair->name, '=') != NULL) {
			return "illegal environment variable name";
		}
	}
	return NULL;
}

/* ---- arguments ---- */

static char **command_make_arguments(char *words, size_t count)
{
	char **result = xnew_array(char *, count + 1);

	for (size_t i = 0; i < count; i++) {
		result[i] = words;
		words += strlen(words) + 1;
	}
	return result;
}

static size_t command_measure_strings(char *const *strings, size_t *longest)
{
	size_t all = 0;

	for (size_t i = 0; strings[i] != NULL; i++) {
		size_t length = strlen(strings[i]);

		all += length + 1 + sizeof(char *);
		*longest = length > *longest ? length : *longest;
	}
	return all;
}

static bool command_is_too_long(const struct shlex *shlex, char *const *envp)
{
	long most = sysconf(_SC_ARG_MAX);
	size_t longest = shlex->longest;
	size_t all = command_measure_strings(envp, &longest) + shlex->size +
		     shlex->count * sizeof(char *) + ARGUMENTS_SPARE;

	return longest >= ARGUMENT_MAX || (most > 0 && all > (size_t)most);
}

/* ---- paths ---- */

static char **command_find_paths(const char *name, char *const *envp)
{
	const char *path = DEFAULT_PATH;
	size_t count = 1;

	for (size_t i = 0; envp[i] != NULL; i++) {
		path = strncmp(envp[i], "PATH=", 5) == 0 ? envp[i] + 5 : path;
	}
	for (const char *at = path; *at != '\0'; at++) {
		count += *at == ':' ? 1 : 0;
	}

	char **result = xnew_array(char *, count + 1);

	if (strchr(name, '/') != NULL) {
		result[0] = xstrdup(name);
		return result;
	}
	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(path, ":");

		result[i] = xprintf("%.*s%s%s", (int)length, path, length > 0 ? "/" : "", name);
		path += length + (path[length] == ':' ? 1 : 0);
	}
	return result;
}

static const char *command_split_words(const struct command *command, struct shlex *shlex)
{
	const char *why = shlex_split(command->text, command->length, shlex);

	if (why == NULL && shlex->count == 0) {
		return "list index out of range";
	}
	if (why == NULL && command->surrogate) {
		return "'utf-8' codec can't encode characters: surrogates not allowed";
	}
	if (why == NULL && (shlex->has_nul || command->nul_in_cwd)) {
		return "embedded null byte";
	}
	if (why == NULL && command->cwd != NULL && command->cwd[0] == '\0') {
		return "[Errno 2] No such file or directory: ''";
	}
	return why != NULL ? why : command_check_environment(command);
}

int program_init(struct program *program, const struct command *command, char *const *environment,
		 struct buf *why)
{
	struct shlex shlex;
	const char *wrong = command_split_words(command, &shlex);

	*program = (struct program){ .words = shlex.words };
	if (wrong != NULL) {
		buf_append_str(why, wrong);
		return -1;
	}
	program->envp = command_make_environment(command, environment);
	if (command_is_too_long(&shlex, program->envp)) {
		CLEANUP_FREE char *name = xstrndup(shlex.words, strnlen(shlex.words, ARGUMENT_MAX));

		command_error(why, E2BIG, name);
		return -1;
	}
	program->argv = command_make_arguments(shlex.words, shlex.count);
	program->paths = command_find_paths(program->argv[0], program->envp);
	return 0;
}

void program_finish(struct program *program)
{
	char **at = program->envp;

	while (at != NULL && *at != NULL) {
		at++;
	}
	for (at = at != NULL ? at + 1 : NULL; at != NULL && *at != NULL; at++) {
		free(*at);
	}
	for (at = program->paths; at != NULL && *at != NULL; at++) {
		free(*at);
	}
	free(program->envp);
	free(program->argv);
	free(program->paths);
	free(program->words);
}
