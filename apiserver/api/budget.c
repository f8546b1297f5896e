/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the bytes that are printed and not sent yet. The API counts what it prints, watches their
 * events, and the HTTP server the responses until they are sent. */
#include "config.h"

#include "apiserver/api/budget.h"

#include <stdint.h>

void budget_init(struct budget *budget, struct sched *sched, size_t most)
{
	*budget = (struct budget){ .most = most };
	sched_mutex_init(&budget->lock, sched);
}

void budget_finish(struct budget *budget)
{
	sched_mutex_finish(&budget->lock);
}

static bool budget_set(struct budget_share *share, size_t bytes, size_t most)
{
	struct budget *budget = share->budget;

	if (budget == NULL || bytes == share->bytes) {
		return true;
	}

	LOCKED(&budget->lock);
	size_t others = budget->held - share->bytes;

	if (bytes > share->bytes && others > 0 && (others > most || bytes > most - others)) {
		return false;
	}
	budget->held = others + bytes;
	share->bytes = bytes;
	return true;
}

bool budget_resize(struct budget_share *share, size_t bytes)
{
	return budget_set(share, bytes, share->budget != NULL ? share->budget->most : 0);
}

void budget_force(struct budget_share *share, size_t bytes)
{
	(void)budget_set(share, bytes, SIZE_MAX);
}

void budget_release(struct budget_share *share)
{
	budget_force(share, 0);
}
