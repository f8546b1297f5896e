/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of a node: its capacity, what its pods request of it, and which pods wait for some. It
 * follows the pods that are seen: room is taken when it is promised to a pod, and free again when
 * that pod is seen to have ended, to be on another node, or to be gone. Then the pods that wait are
 * woken, in the order in which they came, as many as fit. Any thread.
 */
#ifndef ASB_NODE_POD_ROOM_H
#define ASB_NODE_POD_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sched.h"
#include "node/pod/capacity.h"

/* Within this time the watch delivers a pod that was bound; one that asks later may have to be
 * bound again. */
#define ROOM_HELD_US 30000000u

struct room;
/* wake is called, without a lock held, for each pod that should ask again. */
struct room *room_create(struct sched *sched, const struct node_capacity *capacity,
			 void (*wake)(void *arg, const char *ns, const char *name), void *arg);
void room_destroy(struct room *room);

/* ---- what is seen ---- */

/* The pod of this name, which has this uid, is on the node and takes so much. */
void room_taken(struct room *room, const char *ns, const char *name, const char *uid,
		const struct node_capacity *asked);
/* No pod of this name takes any room: it is gone, it has ended, or it is elsewhere. */
void room_left(struct room *room, const char *ns, const char *name);
/* The pod of this name is on no node yet: room that another uid had is given back, and what was
 * promised to this one stays promised. */
void room_unbound(struct room *room, const char *ns, const char *name, const char *uid);

/* Counts all pods at once, before they were seen one by one: between begin and end the caller lists
 * the node's pods and calls room_taken for each. end takes what begin returned; false: pods left in
 * between, so the list may be old: list again. */
bool room_counted(struct room *room);
uint64_t room_count_begin(struct room *room);
bool room_count_end(struct room *room, uint64_t departures);

/* ---- what is asked ---- */

enum room_response {
	ROOM_PROMISED, /* the room is the pod's until the pod is gone or gives it back */
	ROOM_HELD,     /* it was promised to this very pod a moment ago */
	ROOM_NONE,     /* why says what is missing; the pod is woken when it may fit */
};
enum room_response room_ask(struct room *room, const char *ns, const char *name, const char *uid,
			    const struct node_capacity *asked, struct buf *why);
/* The pod could not be bound. */
void room_give_back(struct room *room, const char *ns, const char *name, const char *uid);
/* The pod waits for something other than room: room_wake_all wakes it. */
void room_wait(struct room *room, const char *ns, const char *name,
	       const struct node_capacity *asked);
void room_wake_all(struct room *room);

#endif
