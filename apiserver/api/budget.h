/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common budget of what is printed for clients and not sent yet: lists while they are printed,
 * responses that wait for their readers, and the events of watches. Without it, clients that ask and do
 * not read fill the memory. Thread-safe; one thread at a time uses a share.
 */
#ifndef ASB_APISERVER_API_BUDGET_H
#define ASB_APISERVER_API_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sched.h"

struct budget {
	struct sched_mutex lock;
	size_t most; /* bytes */
	size_t held; /* lock */
};

/* What one response or watch holds of a budget. All zero: it holds nothing of none. */
struct budget_share {
	struct budget *budget;
	size_t bytes;
};

void budget_init(struct budget *budget, struct sched *sched, size_t most);
/* All shares must be released. */
void budget_finish(struct budget *budget);
/* Makes the share so large. False, and nothing has changed: it would grow, and all shares together
 * would be larger than the budget. The only share there is may be larger. */
bool budget_resize(struct budget_share *share, size_t bytes);
/* The same for what is sent in any case: it may exceed the budget. */
void budget_force(struct budget_share *share, size_t bytes);
/* The share holds nothing any more. */
void budget_release(struct budget_share *share);

#endif
