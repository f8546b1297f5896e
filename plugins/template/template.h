/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the template plugin share. */
#ifndef PLUGINS_TEMPLATE_TEMPLATE_H
#define PLUGINS_TEMPLATE_TEMPLATE_H

#include "plugins/common/kinds.h"
#include "plugins/common/pod-template.h"

#include <agent-sandbox/helpers.h>

enum template_watch { WATCH_TEMPLATE, WATCH_POD, WATCH_POLICY, WATCH_MAX };

extern const char template_crd[]; /* made from crd.yaml */

int32_t template_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);

#endif
