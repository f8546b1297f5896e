/* SPDX-License-Identifier: Apache-2.0 */
/* What a selector is made of: shared by its reading and its matching. */
#ifndef ASB_APISERVER_REQUESTS_SELECTOR_PRIVATE_H
#define ASB_APISERVER_REQUESTS_SELECTOR_PRIVATE_H

#include <agent-sandbox/plugin.h>
#include <stddef.h>

#include "base/error.h"

struct objects;

enum selector_operator {
	SELECTOR_IN,
	SELECTOR_NOT_IN, /* also where there is no value */
	SELECTOR_EXISTS,
	SELECTOR_MISSING,
	SELECTOR_GREATER,
	SELECTOR_LESS
};

struct selector_term {
	char *key;
	enum selector_operator operator;
	char **values;
	size_t value_count;
};

struct selector_terms {
	struct selector_term *list;
	size_t count;
};

/* All of both must hold. */
struct selector {
	struct selector_terms labels, fields;
};

/* 0 or 400 with *reterr; terms then has what was read before. */
int selector_parse_labels(const char *text, struct selector_terms *terms, struct error *reterr);
int selector_parse_fields(struct objects *objects, const struct asb_kind *kind, const char *text,
			  struct selector_terms *terms, struct error *reterr);

#endif
