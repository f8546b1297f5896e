/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories below the node's root, much of which guests have written: nothing here
 * follows a link out of the directory it was given, or works on another mount by mistake.
 * Directories are descriptors, so what a guest renames meanwhile does not matter.
 */
#ifndef ASB_NODE_VOLUMES_FILES_H
#define ASB_NODE_VOLUMES_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macros.h"

/* In a pod's directory once all its volumes were made. */
#define POD_MADE "made"

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}
#define CLEANUP_FD CLEANUP(cleanup_fd)

/* What may be the name of a directory: letters, digits, '-' and '.', not beginning with a dot, at
 * most 253 characters. NULL is none. */
bool is_plain(const char *name);
/* The names in a directory, but . and ..: *ret ends in NULL. */
int directory_names(int directory, char ***ret);
/* Frees them; NULL is fine. */
void names_finish(char **names);
/* openat2 beneath a directory; links that lead out of it are -EXDEV. flags as of open(2). more: of
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV. The descriptor, or a negative errno. */
int open_beneath(int directory, const char *path, int flags, mode_t mode, uint64_t more);
/* Makes a directory with this very mode where there is none, and opens it; a link is no
 * directory. */
int directory_make(int parent, const char *name, mode_t mode, bool *ret_new);
/* The same for a path of several parts, each but the last of mode 0755. A path from the root. */
int directory_make_path(const char *path, mode_t mode);
/* Of what a descriptor (O_PATH too) stands for. */
int fd_chmod(int fd, mode_t mode);
int fd_chown(int fd, uid_t uid, gid_t gid);
/* "/proc/self/fd/N" */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
/* Another file system than its parent, which the caller names. */
bool is_mount(int parent, int directory);

/* Gives a group all of a tree as fsGroup says: rw for files, rwx and setgid for directories. Links
 * inside stay as they are, other mounts untouched. */
int tree_chgrp(int directory, gid_t group);
/* Removes all that is in a directory, however deep, with a handful of descriptors. -EBUSY:
 * something is mounted in there. */
int volumes_tree_remove(int directory);
/* Unmounts all that is mounted at or below a path without links. 0 where nothing is. */
int unmount_below(const char *path, struct error *reterr);

#endif
