/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process remembers of each pod it has ever seen running, by uid: backoffs, why something
 * could not start, what was told in events. Nothing here is needed after a restart: the runtime
 * and the API server know the rest.
 *
 * A record belongs to the reconcile of its pod's key: only that reads and writes it. Other threads
 * get copies of its key, by uid.
 */
#ifndef ASB_NODE_POD_STORE_H
#define ASB_NODE_POD_STORE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sched.h"
#include "node/pod/backoff.h"

#define CONTAINER_ID_MAX 80 /* of runtime.h */
/* "Try again" is believed so often, a second apart; then it is a failure like any other, told and
 * backed off from. */
#define QUICK_TRIES 3
#define QUICK_TRY_MS 1000

/* Of one container. */
struct container_record {
	struct backoff backoff; /* of its restarts */
	bool backoff_known;
	uint32_t backoff_reported; /* attempt + 1 whose backoff an event has told */
	/* Why it is not there; reason "" when nothing speaks against it. */
	char reason[48];
	char message[512];
	int64_t retry_ms;              /* wall clock: not again before */
	uint64_t image_failure;        /* the failure of its image that was told */
	char probed[CONTAINER_ID_MAX]; /* who is probed */
	uint32_t probe_failures;       /* told */
	uint32_t quick_tries;          /* in a row that the runtime said to try again */
	/* Termination messages and whose they are: the newest, and the one before. */
	char ended[2][CONTAINER_ID_MAX];
	char *texts[2];
};

struct pod_record {
	char *uid, *ns, *name;
	struct container_record *containers; /* in the order of the view; NULL until first needed */
	size_t container_count;
	struct backoff sandbox; /* tries to make it */
	int64_t sandbox_failed_ms;
	uint32_t quick_tries; /* to make it, in a row that the runtime said to try again */
	bool limits_reported; /* what of the pod this node does not do */
	int64_t volumes_ms; /* when they were made or brought up to date; 0: not by this process */
	/* The pod's terminationGracePeriodSeconds, for when it is gone; -1: nobody knows. */
	int64_t grace_s;
	struct pending_event *events; /* results of its tasks */
	char *key;                    /* "ns/name" */
	struct pod_record *next;      /* of the same key; the store's lock */
};

struct pod_store;
struct pod_store *pod_store_create(struct sched *sched);
void pod_store_destroy(struct pod_store *store);
/* The record of a uid, made when there is none. */
struct pod_record *pod_store_get(struct pod_store *store, const char *uid, const char *ns,
				 const char *name);
/* Notes for count containers, zeroed at first. */
struct container_record *pod_record_containers(struct pod_record *record, size_t count);
void pod_store_remove(struct pod_store *store, const char *uid);
/* False for a uid that is not known; ns and name are the caller's. */
bool pod_store_key(struct pod_store *store, const char *uid, char **ret_ns, char **ret_name);
/* The uids of a key, the caller's; ends in NULL. */
char **pod_store_uids(struct pod_store *store, const char *ns, const char *name);
/* Calls each for all keys, with no lock held. */
void pod_store_each(struct pod_store *store,
		    void (*each)(void *arg, const char *ns, const char *name), void *arg);

/* What a task has to say about a pod to its next reconcile, which makes an event of it. Any thread;
 * nothing happens for a uid that is not known. */
void pod_store_add_event(struct pod_store *store, const char *uid, const char *reason,
			 const char *message);
/* Takes the oldest; false when there is none. reason and message are the caller's. */
bool pod_store_take_event(struct pod_store *store, struct pod_record *record, char **ret_reason,
			  char **ret_message);

#endif
