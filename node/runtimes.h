/* SPDX-License-Identifier: Apache-2.0 */
/* The runtimes by the name that --runtime takes. */
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
	bool probes; /* its containers can be probed */
};

/* NULL and *reterr, which lists the names, for an unknown name. */
const struct runtime_kind *runtime_kind_find(const char *name, struct error *reterr);

#endif
