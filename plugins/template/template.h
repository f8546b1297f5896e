/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the template plugin share. */
#ifndef PLUGINS_TEMPLATE_TEMPLATE_H
#define PLUGINS_TEMPLATE_TEMPLATE_H

#include <agent-sandbox/helpers.h>

enum { WATCH_TEMPLATE, WATCH_POD, WATCH_POLICY };

extern const struct asb_watch template_watches[];
extern const char template_crd[]; /* made from crd.yaml */

int32_t template_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);

#endif
