/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of a node: what its pods ask for, pod by pod, and who waits for some. An account is kept
 * as pods are seen: room is taken when it is promised to a pod, and given back when that pod is seen
 * to have ended, to be on another node, or to be gone. Whoever waits is woken by that, in the order
 * in which they came, as many as there is room for. Any thread.
 */
#ifndef ASB_NODE_POD_ROOM_H
#define ASB_NODE_POD_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sched.h"
#include "node/pod/capacity.h"

/* By then the watch tells of a pod that was bound; who asks later may have to be bound again. */
#define ROOM_HELD_US 30000000u

struct room;
/* wake is called with no lock held, for each pod that should ask again. */
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

/* Everything at once, where nothing has been seen yet: between begin and end the caller lists the
 * node's pods and calls room_taken for each. False: pods were seen to go meanwhile, and what was
 * listed may be old: list again. */
bool room_counted(struct room *room);
uint64_t room_count_begin(struct room *room);
bool room_count_end(struct room *room, uint64_t begun);

/* ---- what is asked ---- */

enum room_response {
	ROOM_PROMISED, /* it is the pod's until it is seen to be gone, or given back */
	ROOM_HELD,     /* it was promised to this very pod a moment ago */
	ROOM_NONE, /* why says what there is too little of; the pod is woken when there may be */
};
enum room_response room_ask(struct room *room, const char *ns, const char *name, const char *uid,
			    const struct node_capacity *asked, struct buf *why);
/* The pod could not be bound. */
void room_give_back(struct room *room, const char *ns, const char *name, const char *uid);
/* The pod waits for something else than room, so that room_wake_all wakes it. */
void room_wait(struct room *room, const char *ns, const char *name,
	       const struct node_capacity *asked);
void room_wake_all(struct room *room);

#endif
