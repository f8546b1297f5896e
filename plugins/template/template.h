/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the template plugin share. */
#ifndef PLUGINS_TEMPLATE_TEMPLATE_H
#define PLUGINS_TEMPLATE_TEMPLATE_H

#include "plugins/common/dialect.h"
#include "plugins/common/kinds.h"
#include "plugins/common/object.h"
#include "plugins/common/pod-template.h"
#include "plugins/common/policy-rules.h"

#include <agent-sandbox/helpers.h>

enum template_watch { WATCH_TEMPLATE, WATCH_POD, WATCH_POLICY, WATCH_MAX };

extern const char template_crd[]; /* made from crd.yaml */

/* What is remembered of a template: key_state() of plugin.h. */
struct template_memory {
	char uid[64];
	int64_t generation;
	uint32_t checked; /* the parts of this generation that the API server has judged */
	uint32_t refused; /* it refused the NetworkPolicy of this generation */
};

/* One reconcile of one template. Everything borrowed lives as long as the call. */
struct pass {
	struct asb_call *call;
	const struct asb_key *key;
	struct json_object *template;
	struct template_memory *memory;
};

/* Keeps the one NetworkPolicy of a template of v1beta1, and its label on the template. Those of
 * v1alpha1 belong to the claims. Returns what reconcile returns. */
int32_t policy_ensure(struct pass *pass);

int32_t template_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms);

#endif
