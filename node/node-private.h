/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the node share: the runtime, what is remembered of pods, and how a pod is
 * enqueued. */
#ifndef ASB_NODE_NODE_PRIVATE_H
#define ASB_NODE_NODE_PRIVATE_H

#include <stdbool.h>

#include "base/sched.h"
#include "core/client/client.h"
#include "core/controller/manager.h"
#include "core/controller/plugin.h"
#include "node/options.h"
#include "node/pod/store.h"
#include "node/pod/images.h"
#include "node/pod/jobs.h"
#include "node/probes/probe.h"
#include "node/runtime/runtime.h"
#include "node/volumes/volumes.h"

struct scheduler;

struct node {
	struct sched *sched;
	const struct node_options *options;
	const char *name;
	char host_ip[64];
	struct manager *manager;
	struct client *client;
	struct runtime *runtime;
	const char *runtime_name;
	struct jobs *jobs;
	struct images *images;
	struct pod_store *pods;
	struct prober *prober; /* NULL: the runtime runs nothing that could be probed */
	struct volume_source source;
	struct scheduler *scheduler; /* NULL without --bind */
	/* Told what spec.unschedulable of the Node says, whenever it is read; NULL without
	 * --bind. */
	void (*cordon)(struct node *node, bool cordoned);
};

extern const struct asb_kind pod_kind, node_kind;
/* The reconciler of pods as a built-in plugin; its state is the node. */
extern const struct asb_plugin pod_plugin;
/* Its watches and indexes by number. */
enum { WATCH_PODS, WATCH_RUNTIME_CLASSES };
enum { INDEX_NODE };

/* Has a pod reconciled soon. Any thread; does nothing for a uid that is not known. */
void node_enqueue_pod(void *arg, const char *uid);

#endif
