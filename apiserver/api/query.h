/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query of a request ("a=b&c=d", encoded), decoded as a whole before anything is done: names too,
 * since a parameter that is overlooked changes what a request means (a deletion without its
 * selector). Which parameters there are is known by who reads them.
 */
#ifndef ASB_APISERVER_API_QUERY_H
#define ASB_APISERVER_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* More than any client sends: a command for exec has one for each word. */
#define QUERY_PAIRS_MAX 4096u

struct query_pair {
	const char *name, *value;
};

struct query {
	struct query_pair *pairs; /* in the order of the query */
	size_t count;
	char *text; /* all names and values */
};

/* 0, or -EINVAL and *reterr for a query in which any name or value does not decode (an escape that is
 * none, a NUL, bytes that are not UTF-8), or that has too many. *ret is empty then. */
int query_parse(const char *text, struct query *ret, struct error *reterr);
void query_finish(struct query *query);

/* The value of the first parameter of that name, as the real server takes it; NULL: there is none.
 * Borrowed from the query. */
const char *query_value(const struct query *query, const char *name);
/* As Kubernetes reads flags: what is not "0" or "false" is true, and so is nothing. The fallback when
 * the parameter is not there. */
bool query_flag(const struct query *query, const char *name, bool fallback);

#endif
