/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens of local mode: the admin's, random, in the state directory with mode 0600; and those
 * that stand for a ServiceAccount, which carry its name, an end and a MAC under the admin's token,
 * so nothing of them is stored.
 */
#ifndef ASB_APISERVER_API_TOKEN_H
#define ASB_APISERVER_API_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TOKEN_MAX 1024     /* bytes, with the NUL */
#define TOKEN_USER_MAX 600 /* "system:serviceaccount:NS:NAME" */

/* The admin's token from directory/token, made if it is not there. */
int token_load(const char *directory, char ret[TOKEN_MAX], struct error *reterr);
/* A token for a service account until end_s (since 1970). */
int token_issue(const char *secret, const char *ns, const char *account, int64_t end_s,
		char ret[TOKEN_MAX]);
/* Whether the value of an Authorization header shows a token that is good at now_s; who it is. */
bool token_check(const char *secret, const char *authorization, int64_t now_s,
		 char ret_user[TOKEN_USER_MAX]);

#endif
