/* SPDX-License-Identifier: Apache-2.0 */
/* Whole trees that guests wrote: removing them, giving them to a group, unmounting what is below.
 * Called when volumes are made for a pod with an fsGroup, and when a pod's volumes end. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/memory.h"
#include "node/volumes/files.h"

#define PATHS_MAX (64u << 20)     /* directories that wait for their turn, as paths */
#define MOUNTINFO_MAX (16u << 20) /* some 100,000 mounts */
#define LIFTS_MAX 100000000       /* directories moved in one removal */
#define PATH_STEP 4000            /* one openat2 takes a path of less than 4096 bytes */
#define ONE_MOUNT (RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

static void tree_cleanup_dir(DIR **dir)
{
	if (*dir != NULL) {
		closedir(*dir);
	}
}
#define CLEANUP_DIR CLEANUP(tree_cleanup_dir)

/* The next entry but . and ..; NULL at the end. */
static const struct dirent *tree_next_entry(DIR *dir)
{
	const struct dirent *entry;

	do {
		entry = readdir(dir);
	} while (entry != NULL &&
		 (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry;
}

/* Reads a directory through a descriptor of its own, so that the caller's keeps its place. */
static int tree_open_dir(int directory, const char *name, DIR **ret)
{
	int fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, ONE_MOUNT);

	if (fd == -EACCES) {
		/* Not root, and a guest took its own rights away. */
		CLEANUP_FD int closed = open_beneath(
			directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, ONE_MOUNT);

		if (closed >= 0 && fd_chmod(closed, 0700) == 0) {
			fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
					  ONE_MOUNT);
		}
	}
	if (fd < 0) {
		return fd;
	}
	*ret = fdopendir(fd);
	if (*ret == NULL) {
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

/* Moves a directory that is not empty up into the top one, under a name that is free there. Where a
 * guest took a thousand names in a row, the next pass goes on behind them. */
static int tree_lift(int parent, const char *name, int top, uint64_t *number)
{
	for (int tries = 0; tries < 1000; tries++) {
		char free_name[48];

		snprintf(free_name, sizeof(free_name), ".remove-%" PRIu64, (*number)++);
		if (renameat(parent, name, top, free_name) == 0) {
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) {
			return errno == ENOENT ? 0 : -errno;
		}
	}
	return 0;
}

/* What is not ours by its mode, where we are not root: to be moved, a directory must be writable,
 * and so must the one it is in. The next pass tries again. */
static int tree_take_rights(int parent, const char *name)
{
	CLEANUP_FD int fd =
		open_beneath(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, ONE_MOUNT);
	int code = fd_chmod(parent, 0700);

	return code == 0 && fd >= 0 ? fd_chmod(fd, 0700) : code;
}

static bool tree_remove_one(int directory, const char *name)
{
	return unlinkat(directory, name, 0) == 0 || unlinkat(directory, name, AT_REMOVEDIR) == 0 ||
	       errno == ENOENT;
}

/* Removes what is in the directory that is called name in top; directories with something in them
 * are lifted into top, so the depth of the tree does not matter. */
static int tree_empty_directory(int top, const char *name, uint64_t *number)
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int code = tree_open_dir(top, name, &dir);

	while (code == 0 && (entry = tree_next_entry(dir)) != NULL) {
		if (tree_remove_one(dirfd(dir), entry->d_name)) {
			continue;
		}
		code = -errno;
		if (code == -ENOTEMPTY || code == -EEXIST) {
			code = tree_lift(dirfd(dir), entry->d_name, top, number);
		}
		if (code == -EACCES) {
			code = tree_take_rights(dirfd(dir), entry->d_name);
		}
	}
	return code;
}

/* One pass over the top directory. *ret_left: there may be more. */
static int tree_remove_pass(int top, uint64_t *number, bool *ret_left)
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int code = tree_open_dir(top, ".", &dir);

	*ret_left = false;
	while (code == 0 && (entry = tree_next_entry(dir)) != NULL) {
		if (tree_remove_one(top, entry->d_name)) {
			continue;
		}
		if (errno != ENOTEMPTY && errno != EEXIST) {
			return -errno;
		}
		code = tree_empty_directory(top, entry->d_name, number);
		if (code == 0) {
			unlinkat(top, entry->d_name, AT_REMOVEDIR);
		}
		/* Also what was lifted meanwhile may stand behind the place where we read. */
		*ret_left = true;
	}
	return code == -EXDEV ? -EBUSY : code;
}

int volumes_tree_remove(int directory)
{
	uint64_t number = 0, last = UINT64_MAX;
	bool left = true;
	int code = 0;

	/* A pass that lifts nothing leaves nothing behind, but for rights it had to take: some more
	 * are enough, unless somebody still writes. */
	for (int idle = 0; code == 0 && left && idle < 4 && number < LIFTS_MAX;) {
		code = tree_remove_pass(directory, &number, &left);
		idle = number == last ? idle + 1 : 0;
		last = number;
	}
	return code == 0 && left ? -ENOTEMPTY : code;
}

/* Opens a path of any length below a directory, in steps. */
static int tree_open_far(int directory, const char *path, int flags)
{
	CLEANUP_FD int held = -1;

	while (strlen(path) > PATH_STEP) {
		size_t length = PATH_STEP;

		while (path[length] != '/') {
			length--;
		}

		CLEANUP_FREE char *part = xstrndup(path, length);
		int fd = open_beneath(held >= 0 ? held : directory, part, O_PATH | O_DIRECTORY, 0,
				      ONE_MOUNT);

		cleanup_fd(&held);
		held = fd;
		if (fd < 0) {
			return fd;
		}
		path += length + 1;
	}
	return open_beneath(held >= 0 ? held : directory, path, flags, 0, ONE_MOUNT);
}

/* Gives one file or directory to the group; *ret_directory says which it is. */
static int tree_chgrp_one(int parent, const char *name, gid_t group, bool *ret_directory)
{
	CLEANUP_FD int fd = open_beneath(parent, name, O_PATH | O_NOFOLLOW, 0, ONE_MOUNT);
	struct stat info;
	mode_t mode;
	int code;

	*ret_directory = false;
	if (fd < 0) {
		/* Gone meanwhile, or another mount. */
		return fd == -ENOENT || fd == -EXDEV ? 0 : fd;
	}
	if (fstat(fd, &info) < 0) {
		return -errno;
	}
	code = fd_chown(fd, (uid_t)-1, group);
	if (code < 0 || S_ISLNK(info.st_mode)) {
		return code;
	}
	*ret_directory = S_ISDIR(info.st_mode);
	/* chown takes setuid and setgid away, and they stay away from files. */
	mode = (info.st_mode & 01777) | 0660;
	return fd_chmod(fd, *ret_directory ? mode | 02110 : mode);
}

static int tree_chgrp_entries(int directory, const char *path, gid_t group, struct buf *paths)
{
	CLEANUP_FD int here = tree_open_far(directory, path, O_RDONLY | O_DIRECTORY);
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int code = here < 0 ? here : tree_open_dir(here, ".", &dir);

	while (code == 0 && (entry = tree_next_entry(dir)) != NULL) {
		bool is_directory;

		code = tree_chgrp_one(here, entry->d_name, group, &is_directory);
		if (code == 0 && is_directory) {
			buf_printf(paths, "%s/%s", path, entry->d_name);
			code = buf_append_char(paths, '\0');
		}
	}
	return code == -ENOENT || code == -EXDEV ? 0 : code;
}

int tree_chgrp(int directory, gid_t group)
{
	CLEANUP_BUF struct buf paths = BUF_INIT(PATHS_MAX);
	bool is_directory;
	int code = tree_chgrp_one(directory, ".", group, &is_directory);

	/* A stack of texts, each with its NUL: the last is taken first. */
	buf_append(&paths, ".", 2);
	while (code == 0 && paths.length > 0) {
		size_t start = paths.length - 1;

		while (start > 0 && paths.data[start - 1] != '\0') {
			start--;
		}

		CLEANUP_FREE char *path = xstrdup(paths.data + start);

		buf_cut(&paths, start);
		code = tree_chgrp_entries(directory, path, group, &paths);
	}
	return code;
}

/* A mount point as mountinfo writes it: \040 for a space, and so on. In place. */
static void tree_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static int tree_read_mounts(struct buf *out)
{
	CLEANUP_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char part[8192];
	ssize_t got = 0;

	while (fd >= 0 && (got = read(fd, part, sizeof(part))) > 0) {
		buf_append(out, part, (size_t)got);
	}
	return fd < 0 || got < 0 ? -errno : out->failed ? -ENOSPC : 0;
}

/* The mount point in a line of mountinfo, its fifth word, or NULL. Writes into the line. */
static char *tree_mount_point(char *line)
{
	char *word = line;

	for (int i = 0; i < 4 && word != NULL; i++) {
		word = strchr(word, ' ');
		word = word != NULL ? word + 1 : NULL;
	}
	if (word != NULL) {
		word[strcspn(word, " ")] = '\0';
		tree_unescape(word);
	}
	return word;
}

int unmount_below(const char *path, struct error *reterr)
{
	CLEANUP_BUF struct buf mounts = BUF_INIT(MOUNTINFO_MAX);
	size_t length = strlen(path);
	int code = tree_read_mounts(&mounts);

	if (code < 0) {
		return error_set(reterr, code, "reading /proc/self/mountinfo: %s", strerror(-code));
	}
	/* Later mounts lie on earlier ones: from the end. */
	while (mounts.length > 0) {
		size_t start = mounts.length - 1;

		while (start > 0 && mounts.data[start - 1] != '\n') {
			start--;
		}

		char *point = tree_mount_point(mounts.data + start);

		if (point != NULL && strncmp(point, path, length) == 0 &&
		    (point[length] == '/' || point[length] == '\0') &&
		    umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
		    errno != ENOENT) {
			return error_set(reterr, -errno, "unmounting '%s': %s", point,
					 strerror(errno));
		}
		buf_cut(&mounts, start);
	}
	return 0;
}
