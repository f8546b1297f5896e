/* SPDX-License-Identifier: Apache-2.0 */
/* The runtimes by name: --runtime. */
#ifndef ASB_NODE_RUNTIMES_H
#define ASB_NODE_RUNTIMES_H

#include "base/sched.h"
#include "node/options.h"
#include "node/runtime/runtime.h"

struct runtime_kind {
	const char *name;
	int (*create)(struct sched *sched, const struct node_options *options,
		      const char *node_name, runtime_changed changed, void *arg,
		      struct runtime **ret, struct error *reterr);
	bool probes; /* there is something in its pods that can be probed */
};

/* NULL and *reterr, with the names there are, for another one. */
const struct runtime_kind *runtime_kind_find(const char *name, struct error *reterr);

#endif
