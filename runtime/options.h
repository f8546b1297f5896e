/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime server is told: by flags, and by the environment where a flag is not given. */
#ifndef ASB_RUNTIME_OPTIONS_H
#define ASB_RUNTIME_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct options {
	const char *host;        /* --host */
	uint16_t port;           /* --port, $PORT; 0: any free one, printed when it is known */
	const char *base_dir;    /* --base-dir, $SANDBOX_BASE_DIR */
	const char *exec_user;   /* --exec-user, $SANDBOX_EXEC_USER; NULL: as the server itself */
	const char *token_file;  /* $SANDBOX_TOKEN_FILE; NULL: no token is asked for */
	uint64_t exec_timeout_s; /* $SANDBOX_EXEC_TIMEOUT_SECONDS; 0: none */
	uint64_t output_max;     /* $SANDBOX_MAX_OUTPUT_BYTES, a stream */
	bool help, version;
};

/* Reads argv and the environment; the strings live as long as those. 0 or -EINVAL. What is wrong with
 * an environment variable that has a sane default is told on warnings, and the default counts. */
int options_parse(int argc, char **argv, struct options *ret, FILE *warnings, struct error *reterr);
void options_help(FILE *out);

#endif
