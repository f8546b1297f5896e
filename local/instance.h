/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `up` for each state directory, and how the other commands find it. Two locks, since their ends
 * differ:
 *
 *	up.lock        a POSIX lock: the kernel names its holder, so no pid is ever guessed
 *	children.lock  a BSD lock, inherited by the children: held until the last of them has ended,
 *		       also after a kill -9 of `up`
 *
 * What runs is told in up.json, which stands there while `up` runs, and stays behind when it was
 * killed.
 */
#ifndef ASB_LOCAL_INSTANCE_H
#define ASB_LOCAL_INSTANCE_H

#include <json-c/json.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sched.h"

#define INSTANCE_RECORD "up.json"
#define INSTANCE_LEFTOVERS_US 20000000u /* for children of an `up` that was killed to end */

struct instance {
	int lock, children; /* -1: not held */
};
#define INSTANCE_NONE  \
	{              \
		-1, -1 \
	}

/* Takes both locks of a directory that exists. -EBUSY: another `up` has it; -ETIMEDOUT: children of one
 * that was killed do not end. */
int instance_take(struct sched *sched, const char *state_dir, struct instance *ret,
		  struct error *reterr);
void instance_release(struct instance *instance);

/* Whoever has up.lock; 0: nobody, also where there is no such directory. A negative code and *reterr
 * where that cannot be seen. */
pid_t instance_holder(const char *state_dir, struct error *reterr);

/* up.json: atomically. */
int instance_tell(const char *state_dir, struct json_object *record, struct error *reterr);
/* The caller's; NULL: there is none. */
struct json_object *instance_told(const char *state_dir);
void instance_forget(const char *state_dir);

#endif
