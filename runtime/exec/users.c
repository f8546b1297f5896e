/* SPDX-License-Identifier: Apache-2.0 */
/* Reads who a user is and which groups it is in. Called by main.c once. */
#include "config.h"

#include "runtime/exec/users.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

#define LINE_MAX_BYTES 65536u /* of a group with very many members */
#define ID_MAX (UINT32_MAX - 1)

static FILE *user_open_file(const char *root_dir, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s%s", root_dir, name);

	return fopen(path, "re");
}

static void user_copy_entry(const struct passwd *entry, struct user *user)
{
	snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir);
}

/* Finds a name, or (name NULL) a uid. */
static bool user_find_entry(const char *root_dir, const char *name, struct user *user)
{
	FILE *file = user_open_file(root_dir, "/etc/passwd");
	CLEANUP_FREE char *line = xalloc(LINE_MAX_BYTES);
	struct passwd entry, *found = NULL;
	bool hit = false;

	while (file != NULL && !hit &&
	       fgetpwent_r(file, &entry, line, LINE_MAX_BYTES, &found) == 0) {
		hit = name != NULL ? strcmp(entry.pw_name, name) == 0 : entry.pw_uid == user->uid;
		if (hit) {
			user->uid = entry.pw_uid;
			user->gid = entry.pw_gid;
			user_copy_entry(&entry, user);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return hit;
}

static void user_find_groups(const char *root_dir, struct user *user)
{
	FILE *file = user_open_file(root_dir, "/etc/group");
	CLEANUP_FREE char *line = xalloc(LINE_MAX_BYTES);
	struct group entry, *found = NULL;

	user->groups[0] = user->gid;
	user->group_count = 1;
	while (file != NULL && user->name[0] != '\0' && user->group_count < USER_GROUPS_MAX &&
	       fgetgrent_r(file, &entry, line, LINE_MAX_BYTES, &found) == 0) {
		for (char **member = entry.gr_mem; *member != NULL; member++) {
			if (strcmp(*member, user->name) == 0 && entry.gr_gid != user->gid) {
				user->groups[user->group_count++] = entry.gr_gid;
				break;
			}
		}
	}
	if (file != NULL) {
		fclose(file);
	}
}

int user_find(const char *text, const char *root_dir, struct user *ret, struct error *reterr)
{
	struct user user = { 0 };
	const char *colon = strchr(text, ':');
	CLEANUP_FREE char *first =
		colon != NULL ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	int64_t uid = 0, gid = 0;

	if (integer_parse(first, 0, ID_MAX, &uid) == 0) {
		user.uid = (uid_t)uid;
		user.gid = (gid_t)uid;
		(void)user_find_entry(root_dir, NULL, &user);
	} else if (!user_find_entry(root_dir, first, &user)) {
		return error_set(reterr, -ENOENT, "no user '%.100s' in '%s/etc/passwd'", first,
				 root_dir);
	}
	if (colon != NULL) {
		if (integer_parse(colon + 1, 0, ID_MAX, &gid) < 0) {
			return error_set(reterr, -EINVAL, "'%.100s' is not of the form uid:gid",
					 text);
		}
		user.gid = (gid_t)gid;
	}
	user_find_groups(root_dir, &user);
	*ret = user;
	return 0;
}
