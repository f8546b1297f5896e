/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label and field selectors: read from the query's text as the API server reads them, and asked of
 * states (no tree is parsed for it) or of trees. Immutable once made; threads may share one.
 */
#ifndef ASB_APISERVER_REQUESTS_SELECTOR_H
#define ASB_APISERVER_REQUESTS_SELECTOR_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define SELECTOR_TEXT_MAX 65536 /* of one selector: a URL holds no more */
#define SELECTOR_TERMS_MAX 1000

struct objects;
struct objects_state;
struct selector;

/*
 * labels: "a=b,c!=d,e in (f,g),h notin (i),j,!k"; fields: "metadata.name=x,status.phase!=Running".
 * NULL or "" of both selects all; *ret is NULL then, which every function here takes. 400 as the
 * server words it: what is no selector, or a field the kind cannot be selected by. The caller's.
 * Needs the API's lock only while it reads the kind's fields.
 */
int selector_create(struct objects *objects, const struct asb_kind *kind, const char *labels,
		    const char *fields, struct selector **ret, struct error *reterr);
void selector_destroy(struct selector *selector);
void selector_release(struct selector **selector);

bool selector_matches(const struct selector *selector, const struct objects_state *state);
/* A LabelSelector ({matchLabels, matchExpressions}) of an object, or a plain map, against a tree. */
bool selector_object_matches(struct json_object *label_selector, struct json_object *object);

/* The one name a selector's fields ask for (metadata.name=x), else NULL: a watch of one object. */
const char *selector_name(const struct selector *selector);

#endif
