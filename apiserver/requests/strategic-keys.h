/* SPDX-License-Identifier: Apache-2.0 */
/* How a strategic merge treats the lists and maps of the built-in kinds. Private to the merge. */
#ifndef ASB_APISERVER_REQUESTS_STRATEGIC_KEYS_H
#define ASB_APISERVER_REQUESTS_STRATEGIC_KEYS_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>

struct strategy {
	const char *merge_key; /* of a list of objects that is merged; NULL: replaced */
	bool set;              /* a list of scalars that is merged */
};

/* Of the member of an object of a kind at that path: names with dots, "" at the top, lists as
 * "[]": "spec.containers[].ports". */
struct strategy strategy_of(const struct asb_kind *kind, const char *path);

#endif
