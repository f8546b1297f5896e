/* SPDX-License-Identifier: Apache-2.0 */
/* Whom commands run as, from /etc/passwd and /etc/group themselves: a static binary has no name
 * services to ask. */
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

/* text: a name, "uid" or "uid:gid". A uid that nobody has is fine; its group is then the same number.
 * root_dir is "" but in tests. 0 or a negative code. */
int user_find(const char *text, const char *root_dir, struct user *ret, struct error *reterr);

#endif
