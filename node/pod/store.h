/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod store: what this process remembers of each pod that it has seen running, by uid:
 * backoffs, why a container could not start, what was reported in events. Nothing of it is needed
 * after a restart: the runtime and the API server know the rest.
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
/* When the runtime asks to try again, so many tries are made, a second apart; after them it is a
 * failure like any other, with an event and a backoff. */
#define QUICK_TRIES 3
#define QUICK_TRY_MS 1000

/* What is remembered of one container. */
struct container_record {
	struct backoff backoff; /* of its restarts */
	bool backoff_known;
	uint32_t backoff_reported; /* attempt + 1 whose backoff an event has reported */
	/* Why it could not be started; reason "": it may be started. */
	char reason[48];
	char message[512];
	int64_t retry_ms;              /* wall clock: not again before */
	uint64_t image_failure;        /* the failure of its image that was reported */
	char probed[CONTAINER_ID_MAX]; /* the id that is probed */
	uint32_t probe_failures;       /* that were reported */
	uint32_t quick_tries;          /* in a row, because the runtime asked to try again */
	/* Termination messages and the ids they are of: the newest, and the one before. */
	char ended[2][CONTAINER_ID_MAX];
	char *texts[2];
};

struct pod_record {
	char *uid, *ns, *name;
	struct container_record *containers; /* in the order of the view; NULL until first needed */
	size_t container_count;
	struct backoff sandbox; /* tries to make it */
	int64_t sandbox_failed_ms;
	uint32_t quick_tries; /* to make it, in a row, because the runtime asked to try again */
	bool limits_reported; /* what this node does not support of the pod was reported */
	int64_t volumes_ms; /* when they were made or brought up to date; 0: not by this process */
	/* The pod's terminationGracePeriodSeconds, for when it is gone; -1: nobody knows. */
	int64_t grace_s;
	struct pending_event *events; /* of its jobs, to be recorded */
	char *key;                    /* "ns/name" */
	struct pod_record *next;      /* of the same key; the store's lock */
};

struct pod_store;
struct pod_store *pod_store_create(struct sched *sched);
void pod_store_destroy(struct pod_store *store);
/* The record of a uid, made when there is none. */
struct pod_record *pod_store_get(struct pod_store *store, const char *uid, const char *ns,
				 const char *name);
/* The records of count containers, in the order of the view; zeroed when new. */
struct container_record *pod_record_containers(struct pod_record *record, size_t count);
void pod_store_remove(struct pod_store *store, const char *uid);
/* False for a uid that is not known; ns and name are the caller's. */
bool pod_store_key(struct pod_store *store, const char *uid, char **ret_ns, char **ret_name);
/* The uids of a key, the caller's; ends in NULL. */
char **pod_store_uids(struct pod_store *store, const char *ns, const char *name);
/* Calls each for all keys, without a lock held. */
void pod_store_each(struct pod_store *store,
		    void (*each)(void *arg, const char *ns, const char *name), void *arg);

/* Stores an event for the pod's next reconcile, which records it: jobs have no reconcile of their
 * own. Any thread; does nothing for a uid that is not known. */
void pod_store_add_event(struct pod_store *store, const char *uid, const char *reason,
			 const char *message);
/* Takes the oldest event; false: there is none. reason and message are the caller's. */
bool pod_store_take_event(struct pod_store *store, struct pod_record *record, char **ret_reason,
			  char **ret_message);

#endif
