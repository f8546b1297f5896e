/* SPDX-License-Identifier: Apache-2.0 */
/* The command of a request, and how it becomes arguments, an environment and the paths to try.
 * Error texts are those of Python, since clients show them to people and models. */
#ifndef ASB_RUNTIME_EXEC_COMMAND_H
#define ASB_RUNTIME_EXEC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/http/json-body.h"

/* The command as the request gives it. It owns all its strings. */
struct command {
	char *text;
	size_t length;
	bool surrogate; /* a text holds half of a surrogate pair, which UTF-8 cannot express */
	char *cwd;      /* NULL: the base directory */
	bool nul_in_cwd;
	char *input; /* NULL: /dev/null */
	size_t input_length;
	struct json_pair *pairs; /* variables in addition to the server's */
	size_t pair_count;
	uint64_t timeout_s; /* 0: none */
};

void command_finish(struct command *command);

/* What execve takes. */
struct program {
	char *words;
	char **argv, **envp, **paths;
};

/* environment: the server's, borrowed, NULL at the end; it must outlive the program. 0, or -1 with
 * a text for people in why. program_finish must follow in both cases. */
int program_init(struct program *program, const struct command *command, char *const *environment,
		 struct buf *why);
void program_finish(struct program *program);

/* The server's environment without the variables that are only for the server, and with HOME set to
 * home (NULL or "": not set). The caller frees the array, not its strings; but HOME, the first, is
 * new. */
char **command_environment(char *const *environment, const char *home);

/* Appends "[Errno 2] No such file or directory: 'x'". */
void command_error(struct buf *out, int number, const char *name);

#endif
