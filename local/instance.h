/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each state directory has at most one `up`, which the other commands find through its locks. There
 * are two, because they end at different times:
 *
 *	up.lock        a POSIX lock: the kernel knows the pid of its holder
 *	children.lock  a BSD lock that the child processes inherit: it is held until the last of them
 *		       has ended, also after `up` was killed
 *
 * The status file up.json says what runs. It exists while `up` runs, and remains when `up` is
 * killed.
 */
#ifndef ASB_LOCAL_INSTANCE_H
#define ASB_LOCAL_INSTANCE_H

#include <json-c/json.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sched.h"

#define INSTANCE_STATUS "up.json"
#define INSTANCE_LEFTOVERS_US 20000000u /* child processes of a killed `up` end within this time */

struct instance {
	int lock, children; /* -1: not held */
};
#define INSTANCE_NONE  \
	{              \
		-1, -1 \
	}

/* Takes both locks of a directory that exists. -EBUSY: another `up` holds them. -ETIMEDOUT: child
 * processes of a killed `up` do not end. */
int instance_take(struct sched *sched, const char *state_dir, struct instance *ret,
		  struct error *reterr);
void instance_release(struct instance *instance);

/* The pid of the holder of up.lock. 0: nobody holds it, or the directory does not exist. A negative
 * code and *reterr when the lock cannot be read. */
pid_t instance_holder(const char *state_dir, struct error *reterr);

/* Checks the state directory at `path`, which may be NULL or not exist, and returns its holder like
 * instance_holder. *ret_state_dir is its absolute path, which the caller owns, or NULL: there is
 * none. */
pid_t instance_find(const char *path, char **ret_state_dir, struct error *reterr);

/* Replaces the status file as a whole. */
int instance_write_status(const char *state_dir, struct json_object *record, struct error *reterr);
/* The status file, which the caller owns; NULL: there is none. */
struct json_object *instance_read_status(const char *state_dir);
void instance_remove_status(const char *state_dir);

#endif
