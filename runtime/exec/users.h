/* SPDX-License-Identifier: Apache-2.0 */
/* The user that commands run as. It is read from /etc/passwd and /etc/group, since a static binary
 * cannot use name services. */
#ifndef ASB_RUNTIME_EXEC_USERS_H
#define ASB_RUNTIME_EXEC_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define USER_GROUPS_MAX 256

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX];
	size_t group_count;
	char name[64];  /* "" when it has none */
	char home[256]; /* "" when it is not known */
};

/* text: a name, "uid" or "uid:gid". A uid without an entry is fine; its gid is then the same
 * number. root_dir is "" except in tests. 0 or a negative code with reterr set. */
int user_find(const char *text, const char *root_dir, struct user *ret, struct error *reterr);

#endif
