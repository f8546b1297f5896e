/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the runtime server: flags, and environment variables for flags that are not
 * given. */
#ifndef ASB_RUNTIME_OPTIONS_H
#define ASB_RUNTIME_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct options {
	const char *host;        /* --host */
	uint16_t port;           /* --port, $PORT; 0: a free port, which is printed */
	const char *base_dir;    /* --base-dir, $SANDBOX_BASE_DIR */
	const char *exec_user;   /* --exec-user, $SANDBOX_EXEC_USER; NULL: the server's user */
	const char *token_file;  /* $SANDBOX_TOKEN_FILE; NULL: no token is needed */
	uint64_t exec_timeout_s; /* $SANDBOX_EXEC_TIMEOUT_SECONDS; 0: none */
	uint64_t output_max;     /* $SANDBOX_MAX_OUTPUT_BYTES, a stream */
	bool help, version;
};

/* Reads argv and the environment; the strings are borrowed from them. 0 or -EINVAL. An invalid
 * variable that has a fallback is reported on warnings, and the fallback is used. */
int options_parse(int argc, char **argv, struct options *ret, FILE *warnings, struct error *reterr);
/* Prints the text of --help. */
void options_help(FILE *out);

#endif
