/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: httpGet, tcpSocket, exec (grpc is said to be missing). One prober for the whole node runs
 * the probes of all containers on a few threads: a probe that hangs holds up one thread until its
 * timeout, never the others' clock.
 * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 *
 * Semantics: initialDelaySeconds counts from the container's start; periodSeconds (10),
 * timeoutSeconds (1), successThreshold (1), failureThreshold (3). Liveness and readiness wait until
 * startup has succeeded. Startup and readiness by HTTP or TCP are tried more often in a container's
 * first period, so that one is Ready when it can be; only successes of these tries count. HTTP:
 * 200..399 is success, and so is a redirect to another host, which is not followed; at most 10 KiB of
 * a body is read; no proxy; User-Agent agent-sandbox-probe/VERSION; the host is the pod's
 * address unless the probe names one.
 */
#ifndef ASB_NODE_PROBES_PROBE_H
#define ASB_NODE_PROBES_PROBE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/sched.h"
#include "node/runtime/runtime.h"

enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS, PROBE_KINDS };

/* What the probes of a container say. */
struct probe_state {
	bool started; /* startup succeeded, or there is none and it runs */
	bool ready;   /* readiness succeeded, or there is none and it started */
	bool failed;  /* startup or liveness failed for good: restart it */
	char message
		[512]; /* of the last failure, in a kubelet's words: Readiness probe failed: ... */
	enum probe_kind kind; /* whose message it is */
	uint32_t failures; /* how often that message, for events: a new number is a new failure */
};

struct prober;
/* changed is called when some container's state is another one, a new failure included; on a thread
 * of the prober, with no lock held. */
struct prober *prober_create(struct sched *sched, struct runtime *runtime, runtime_changed changed,
			     void *arg);
void prober_destroy(struct prober *prober);

/* Starts to probe a container: id is the runtime's, container its spec (read, not kept: trees are
 * not shared between threads), ip the pod's. Adding one that is there does nothing. */
void prober_add(struct prober *prober, const char *uid, const char *id, const char *ip,
		int64_t started_ms, struct json_object *container);
/* Does not wait for a probe under way, whose result nobody hears. Waits for a call of changed about
 * this container, and there is none later: so changed must not call prober_remove, nor wait for who
 * does. */
void prober_remove(struct prober *prober, const char *id);
/* False for one it does not know. */
bool prober_state(struct prober *prober, const char *id, struct probe_state *ret);

#endif
