/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks to be run, and how it becomes arguments, environment and the paths to try; the
 * words for what is wrong are Python's, which clients show to people and models. */
#ifndef ASB_RUNTIME_EXEC_COMMAND_H
#define ASB_RUNTIME_EXEC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/http/json-body.h"

/* As the request says it; all strings are the command's own. */
struct command {
	char *text;
	size_t length;
	bool surrogate; /* half a character that cannot be said in UTF-8 */
	char *cwd;      /* NULL: the base directory */
	bool nul_in_cwd;
	char *input; /* NULL: /dev/null */
	size_t input_length;
	struct json_pair *pairs; /* environment beside ours */
	size_t pair_count;
	uint64_t timeout_s; /* 0: none */
};

void command_finish(struct command *command);

/* Ready to run. */
struct program {
	char *words;
	char **argv, **envp, **paths;
};

/* environment: ours, NULL at the end. 0, or -1 with the text for people in why. */
int program_init(struct program *program, const struct command *command, char *const *environment,
		 struct buf *why);
void program_finish(struct program *program);

/* The environment commands get: ours without what is only for the server. One block, to be freed. */
char **command_environment(char *const *environment, const char *home);

/* "[Errno 2] No such file or directory: 'x'" */
void command_error(struct buf *out, int error, const char *name);

#endif
