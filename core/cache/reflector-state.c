/* SPDX-License-Identifier: Apache-2.0 */
/* The state that the parts of a reflector share: which round it is in, and who may list. Called by
 * the other files of the reflector. */
#include "config.h"

#include "core/cache/reflector-private.h"

void reflector_set_state(struct reflector *reflector, enum reflector_state state)
{
	bool changed;

	sched_mutex_lock(&reflector->lock);
	changed = reflector->state != state;
	reflector->state = state;
	sched_mutex_unlock(&reflector->lock);
	if (changed && reflector->config.changed != NULL) {
		reflector->config.changed(reflector->config.arg);
	}
}

/* Only one list at a time may run: the stream's own or a full resync. */
void reflector_begin_list(struct reflector *reflector)
{
	sched_mutex_lock(&reflector->lock);
	while (reflector->listing && !reflector->stop) {
		sched_cond_wait(&reflector->changed, &reflector->lock, SCHED_FOREVER);
	}
	reflector->listing = true;
	sched_mutex_unlock(&reflector->lock);
	store_replace_begin(reflector->config.store);
}

void reflector_end_list(struct reflector *reflector)
{
	LOCKED(&reflector->lock);

	reflector->listing = false;
	sched_cond_broadcast(&reflector->changed);
}
