/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves the path of a request without ever leaving the base directory. The routes of files call
 * it before they open, list or write anything.
 */
#include "config.h"

#include "runtime/files/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40u /* as the kernel's own limit */
/* How many names of one path are looked up: twice what a path can hold. The limit of links alone
 * would allow links of 4095 bytes each with 80,000 names, which takes seconds. */
#define STEPS_MAX 4096u
#define RACES_MAX 8u /* openat2 returns EAGAIN while others rename; then the path is walked */
#define DIRECTORY_MODE 0755 /* of directories that are created */

static void path_close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

static int path_duplicate_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : copy;
}

/* ---- the base ---- */

/* A descriptor or -errno; -ENOSYS or -EPERM where the kernel or a filter does not allow openat2. */
static int path_open_beneath(int base, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, base, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int base_open(const char *path, struct base *ret, struct error *reterr)
{
	CLEANUP_FREE char *real = realpath(path, NULL);
	int fd = real == NULL ? -1 : open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		return error_set(reterr, -errno, "base directory '%s': %s", path, strerror(errno));
	}

	int probe = path_open_beneath(fd, ".", O_PATH);

	*ret = (struct base){ .fd = fd, .path = TAKE(real), .by_hand = probe < 0 };
	path_close_fd(&probe);
	return 0;
}

void base_close(struct base *base)
{
	path_close_fd(&base->fd);
	free(TAKE(base->path));
}

/* ---- text ---- */

/* Removes the last name of the path that has been cleaned so far; -EXDEV when there is none. */
static int path_remove_last(struct buf *buf, size_t start)
{
	if (buf->length == start) {
		return -EXDEV;
	}

	const char *text = buf->data + start;
	const char *slash = memrchr(text, '/', buf->length - start);

	buf_cut(buf, slash == NULL ? start : start + (size_t)(slash - text));
	return 0;
}

int path_clean(const char *text, size_t length, struct buf *buf)
{
	size_t start = buf->length;

	if (memchr(text, '\0', length) != NULL) {
		return -EXDEV;
	}
	for (size_t i = 0; i < length;) {
		const char *slash = memchr(text + i, '/', length - i);
		size_t size = slash == NULL ? length - i : (size_t)(slash - text) - i;
		const char *name = text + i;

		i += size + 1;
		if (size == 0 || (size == 1 && name[0] == '.')) {
			continue;
		}
		if (size == 2 && name[0] == '.' && name[1] == '.') {
			if (path_remove_last(buf, start) < 0) {
				return -EXDEV;
			}
			continue;
		}
		if (buf->length > start) {
			buf_append_char(buf, '/');
		}
		buf_append(buf, name, size);
	}
	return buf->failed || buf->length - start > PATH_TEXT_MAX ? -ENAMETOOLONG : 0;
}

/* ---- walking by hand ---- */

struct walk {
	const struct base *base;
	int fd;          /* the current directory */
	struct buf done; /* its path below the base, without links: ".." needs it */
	struct buf rest; /* the part that is not walked yet */
	unsigned int links, steps;
};

/* Removes the next name from the rest. Returns its length, 0 at the end. */
static int path_walk_next_name(struct walk *walk, char *name)
{
	const char *text = buf_str(&walk->rest);
	size_t skip = strspn(text, "/");
	size_t length = strcspn(text + skip, "/");
	size_t after = skip + length;

	if (length > NAME_MAX) {
		return -ENAMETOOLONG;
	}
	memcpy(name, text + skip, length);
	name[length] = '\0';
	after += strspn(text + after, "/");
	buf_consume(&walk->rest, after);
	return (int)length;
}

/* Returns to the base. */
static int path_walk_restart(struct walk *walk)
{
	int fd = path_duplicate_fd(walk->base->fd);

	if (fd < 0) {
		return fd;
	}
	path_close_fd(&walk->fd);
	walk->fd = fd;
	buf_clear(&walk->done);
	return 0;
}

/* Puts text in front of the rest. */
static int path_walk_prepend(struct walk *walk, const char *text, size_t length)
{
	struct buf rest = BUF_INIT(PATH_TEXT_MAX);

	buf_append(&rest, text, length);
	buf_append_char(&rest, '/');
	buf_append(&rest, buf_str(&walk->rest), walk->rest.length);
	buf_finish(&walk->rest);
	walk->rest = rest;
	return rest.failed ? -ENAMETOOLONG : 0;
}

/* Follows ".." in a link: walks to the parent directory by name from the base again. The current
 * directory may have been moved out of the base meanwhile, and its ".." would lead there. */
static int path_walk_up(struct walk *walk)
{
	CLEANUP_BUF struct buf above = BUF_INIT(PATH_TEXT_MAX);

	if (++walk->links > LINKS_MAX) {
		return -ELOOP;
	}
	buf_append(&above, buf_str(&walk->done), walk->done.length);
	if (path_remove_last(&above, 0) < 0) {
		return -EXDEV;
	}

	int code = path_walk_prepend(walk, buf_str(&above), above.length);

	return code < 0 ? code : path_walk_restart(walk);
}

static int path_walk_link(struct walk *walk, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(walk->fd, name, target, sizeof(target));
	size_t base = strlen(walk->base->path);

	if (length < 0) {
		return errno == EINVAL ? -ENOENT : -errno; /* others have replaced it meanwhile */
	}
	if ((size_t)length >= sizeof(target)) {
		return -ENAMETOOLONG;
	}
	if (++walk->links > LINKS_MAX) {
		return -ELOOP;
	}
	target[length] = '\0';
	if (target[0] != '/') {
		return path_walk_prepend(walk, target, (size_t)length);
	}
	if (base > 1 && (strncmp(target, walk->base->path, base) != 0 ||
			 (target[base] != '/' && target[base] != '\0'))) {
		return -EXDEV;
	}

	int code = path_walk_prepend(walk, target + base, (size_t)length - base);

	return code < 0 ? code : path_walk_restart(walk);
}

/* A new directory gets the owner of its parent directory: this thread acts as that user while it
 * creates it. A chown afterwards would give away whatever has that name by then, which the owner of
 * the parent directory decides. Where this process may not act as that user, or that user may not
 * write there, the new directory belongs to the server. 0 or -errno. */
static int path_make_directory(int parent, const char *name)
{
	struct stat above;

	if (fstat(parent, &above) < 0) {
		return -errno;
	}

	int group = setfsgid(above.st_gid), user = setfsuid(above.st_uid);
	int code = mkdirat(parent, name, DIRECTORY_MODE) < 0 ? -errno : 0;

	(void)setfsuid((uid_t)user);
	(void)setfsgid((gid_t)group);
	if (code == -EACCES || code == -EPERM) {
		code = mkdirat(parent, name, DIRECTORY_MODE) < 0 ? -errno : 0;
	}
	return code;
}

/* Opens a name of the current directory with O_PATH, without following links. */
static int path_walk_open(const struct walk *walk, const char *name, bool make)
{
	int fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make) {
		int code = path_make_directory(walk->fd, name);

		if (code < 0 && code != -EEXIST) {
			return code;
		}
		fd = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static void path_walk_finish(struct walk *walk, struct place *ret, int fd, const char *name)
{
	if (name ==
	    NULL) { /* a directory reached by ".." or ".", or the base: it has no name here */
		*ret = (struct place){ .fd = walk->fd, .dir = -1 };
	} else {
		*ret = (struct place){ .fd = fd, .dir = walk->fd };
		memcpy(ret->name, name, strlen(name) + 1);
	}
	walk->fd = -1;
}

/* Walks one name further. 1: *ret is set; 0: there is more to walk; or -errno. */
static int path_walk_step(struct walk *walk, unsigned int flags, struct place *ret)
{
	char name[NAME_MAX + 1];
	int length = path_walk_next_name(walk, name);
	bool last = walk->rest.length == 0;
	struct stat info;

	if (length < 0) {
		return length;
	}
	if (length == 0) {
		path_walk_finish(walk, ret, -1, NULL);
		return 1;
	}
	if (++walk->steps > STEPS_MAX) {
		return -ELOOP;
	}
	if (strcmp(name, ".") == 0) {
		return 0;
	}
	if (strcmp(name, "..") == 0) {
		return path_walk_up(walk);
	}

	int fd = path_walk_open(walk, name, !last && (flags & PLACE_MAKE_PARENTS) != 0);

	if (fd == -ENOENT && last) {
		path_walk_finish(walk, ret, -1, name);
		return 1;
	}
	if (fd < 0) {
		return fd;
	}
	if (fstat(fd, &info) < 0) {
		path_close_fd(&fd);
		return -EIO;
	}
	if (S_ISLNK(info.st_mode)) {
		path_close_fd(&fd);
		return path_walk_link(walk, name);
	}
	if (last) {
		path_walk_finish(walk, ret, fd, name);
		return 1;
	}
	path_close_fd(&walk->fd);
	walk->fd = fd;
	buf_append_str(&walk->done, "/");
	buf_append_str(&walk->done, name);
	return S_ISDIR(info.st_mode) ? 0 : -ENOTDIR;
}

static int path_find_by_walk(const struct base *base, const char *path, unsigned int flags,
			     struct place *ret)
{
	struct walk walk = { .base = base,
			     .fd = path_duplicate_fd(base->fd),
			     .done = BUF_INIT(2 * (size_t)PATH_MAX),
			     .rest = BUF_INIT(PATH_TEXT_MAX) };
	int state = walk.fd < 0 ? walk.fd : 0;

	if (buf_append_str(&walk.rest, path) < 0) {
		state = -ENAMETOOLONG;
	}
	while (state == 0) {
		state = path_walk_step(&walk, flags, ret);
	}
	path_close_fd(&walk.fd);
	buf_finish(&walk.done);
	buf_finish(&walk.rest);
	return state < 0 ? state : 0;
}

/* ---- looking up ---- */

/* Looks up the path in one call. The walk explains most errors. */
static int path_find_beneath(const struct base *base, const char *path, struct place *ret)
{
	int fd = -EAGAIN;

	for (unsigned int i = 0; i < RACES_MAX && fd == -EAGAIN; i++) {
		fd = path_open_beneath(base->fd, path[0] == '\0' ? "." : path, O_PATH);
	}
	if (fd >= 0) {
		*ret = (struct place){ .fd = fd, .dir = -1 };
	}
	return fd < 0 ? fd : 0;
}

int place_find(const struct base *base, const char *path, unsigned int flags, struct place *ret)
{
	/* PLACE_MAKE_PARENTS needs the directory and the name, which one call does not give. */
	if (!base->by_hand && (flags & PLACE_MAKE_PARENTS) == 0) {
		int code = path_find_beneath(base, path, ret);

		if (code == 0 || code == -ENOENT || code == -ENOTDIR) {
			return code;
		}
	}
	return path_find_by_walk(base, path, flags, ret);
}

void place_finish(struct place *place)
{
	path_close_fd(&place->fd);
	path_close_fd(&place->dir);
}

int path_reopen(int fd, int flags)
{
	char link[64];

	/* This link of /proc is safe to follow: it belongs to this process. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

	int real = open(link, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return real < 0 ? -errno : real;
}
