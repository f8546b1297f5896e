/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod as it is and as it should be: its object, what the runtime has of it, and what this process
 * remembers (probes, backoffs, why a container could not start). What to do next (node/pod/plan.h)
 * and the status (node/pod/status.h) are pure functions of it.
 */
#ifndef ASB_NODE_POD_VIEW_H
#define ASB_NODE_POD_VIEW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/pod/backoff.h"
#include "node/runtime/runtime.h"

#define POD_CONTAINERS_MAX 256 /* of one pod; an object of 1.5 MB could name more */

enum pod_restart { POD_RESTART_ALWAYS, POD_RESTART_ON_FAILURE, POD_RESTART_NEVER };

enum container_state {
	CONTAINER_NONE,    /* not made, or not in this sandbox */
	CONTAINER_CREATED, /* made, not started: the node died in between */
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
	CONTAINER_LOST, /* the status says that it ran, the runtime knows nothing of it */
};

struct container_view {
	struct json_object *spec;
	const char *name;
	bool init;    /* one of initContainers */
	bool sidecar; /* one of those with restartPolicy Always */
	enum container_state state;
	const struct runtime_status *now;    /* newest attempt, NULL: none */
	const struct runtime_status *before; /* the one before it, NULL: none */
	struct json_object *reported;        /* its entry in the stored status, or NULL */
	uint32_t attempt;                    /* of the newest */
	uint32_t next;                       /* that of the next one */
	int exit_code;                       /* exited, lost */
	int64_t ended_ms;                    /* exited, lost */

	/* What this process remembers; set between pod_view_init and the pure functions. */
	bool started, ready, failed; /* probes; failed: restart it */
	bool stopping;               /* a stop is under way */
	const char *waiting;         /* why it could not be started ("ErrImagePull"), or NULL */
	const char *waiting_message;
	int64_t retry_ms;    /* not to be started before, wall clock */
	const char *message; /* termination message of now and of before, or NULL */
	const char *before_message;
	const struct backoff *backoff; /* of restarts, or NULL */
	int64_t left_ms;               /* plan_make: until the backoff is over */
};

struct pod_view {
	struct json_object *pod;
	const struct runtime_list *list;
	const struct runtime_status *sandbox; /* running, or NULL */
	enum pod_restart restart;
	struct container_view *containers; /* initContainers, then containers */
	size_t count, init_count;
	bool deleting;
	bool terminal;                        /* the stored phase is Succeeded or Failed */
	bool over;                            /* deleting, terminal, or end_reason */
	const char *end_reason, *end_message; /* why it was ended by this node, or NULL */
	int64_t now_ms;
};

/* -EINVAL for a pod whose spec cannot be read. Borrows pod and list. */
int pod_view_init(struct pod_view *view, struct json_object *pod, const struct runtime_list *list,
		  int64_t now_ms);
void pod_view_finish(struct pod_view *view);
/* Ends the pod whatever else it has to do. */
void pod_view_end(struct pod_view *view, const char *reason, const char *message);

/* Whether it should run again, now or after a backoff. */
bool container_wants_restart(const struct pod_view *view, const struct container_view *container);
/* An init container that is done: exited with 0, or a sidecar that has started. */
bool container_init_done(const struct container_view *container);
/* All init containers are done. */
bool pod_initialized(const struct pod_view *view);
/* An init container has failed and may not run again. */
bool pod_init_failed(const struct pod_view *view);
/* Nothing runs and nothing will: all containers have ended for good. */
bool pod_finished(const struct pod_view *view);
bool pod_anything_runs(const struct pod_view *view);

#endif
