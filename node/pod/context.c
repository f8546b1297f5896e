/* SPDX-License-Identifier: Apache-2.0 */
/* What every step of a pod's reconcile needs: events about the pod, and when it runs again. Called
 * by all parts of node/pod that have a struct pod_call. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/pod/pod-private.h"

const struct asb_kind pod_kind = { .group = "", .version = "v1", .plural = "pods", .kind = "Pod" };

void node_enqueue_pod(void *arg, const char *uid)
{
	struct node *node = arg;
	char *ns, *name;

	if (pod_store_key(node->pods, uid, &ns, &name)) {
		manager_enqueue(node->manager, 0, ns, name);
		free(ns);
		free(name);
	}
}

void pod_requeue_after(struct pod_call *pc, int64_t ms)
{
	if (ms > 0 && (pc->requeue_after_ms == 0 || ms < pc->requeue_after_ms)) {
		pc->requeue_after_ms = ms;
	}
}

void pod_event(struct pod_call *pc, const char *type, const char *reason, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pc->call->host->event(pc->call, pc->pod, type, reason, "%s", text);
}
