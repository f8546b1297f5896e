/* SPDX-License-Identifier: Apache-2.0 */
/* What every step of a reconcile needs of its pass. Called by all other files of the plugin. */
#include "config.h"

#include "plugins/claim/claim.h"

void pass_again(struct pass *pass, uint64_t ms)
{
	requeue_after(&pass->after_ms, ms);
}

bool pass_owns(const struct pass *pass, struct json_object *object)
{
	return object != NULL && asb_controlled_by(object, &kind_claim, asb_uid(pass->claim));
}
