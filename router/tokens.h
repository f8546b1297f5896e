/* SPDX-License-Identifier: Apache-2.0 */
/* The bearer tokens that the router accepts. They are read from a file (a mounted Secret), and
 * passed to HAProxy as SHA-256 hashes whenever the file changes. */
#ifndef ASB_ROUTER_TOKENS_H
#define ASB_ROUTER_TOKENS_H

#include "base/error.h"
#include "base/sched.h"
#include "router/table.h"

#define TOKENS_MAX 100
#define TOKEN_MIN 16 /* characters: shorter ones can be guessed */

struct tokens;
/* Reads `file`, writes the hashes into run_dir (see haproxy-config.h) and starts a thread that
 * checks for changes. NULL and *reterr when the file cannot be read, is empty or has a token that
 * is too short. When HAProxy does not respond, table_lose is called. */
struct tokens *tokens_create(struct sched *sched, struct table *table, const char *file,
			     const char *run_dir, struct error *reterr);
void tokens_destroy(struct tokens *tokens);

#endif
