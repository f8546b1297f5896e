/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of one container onto its pod's volumes, subPath included. Called by the node just
 * before it starts a container. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>

#include "base/map.h"
#include "base/memory.h"
#include "node/env/expand.h"
#include "node/volumes/files.h"
#include "node/volumes/volumes.h"

struct mounting {
	const struct volume_set *set;
	struct map by_name; /* the volumes of the set */
	const char *container;
	const char *const *env;
	const char *missing; /* the text at a $(NAME) that has no value */
	struct error *reterr;
};

void mounts_finish(struct runtime_mount *mounts, size_t count)
{
	for (size_t i = 0; mounts != NULL && i < count; i++) {
		free((char *)(uintptr_t)mounts[i].source);
		free((char *)(uintptr_t)mounts[i].target);
	}
	free(mounts);
}

static const char *mounts_lookup(void *arg, const char *name, size_t length)
{
	struct mounting *mounting = arg;
	const char *found = NULL;

	for (const char *const *env = mounting->env; env != NULL && *env != NULL; env++) {
		if (strncmp(*env, name, length) == 0 && (*env)[length] == '=') {
			found = *env + length + 1;
		}
	}
	if (found == NULL) {
		mounting->missing = name;
	}
	return found;
}

static bool mounts_goes_down(const char *path)
{
	if (*path == '/') {
		return false;
	}
	for (const char *part = path; *part != '\0'; part += *part == '/') {
		size_t length = strcspn(part, "/");

		if (length == 2 && strncmp(part, "..", 2) == 0) {
			return false;
		}
		part += length;
	}
	return true;
}

/* subPath, or subPathExpr with its variables; *ret is NULL where there is neither. */
static int mounts_read_sub_path(struct mounting *mounting, struct json_object *item, char **ret)
{
	const char *plain = asb_str(item, "subPath"), *expression = asb_str(item, "subPathExpr");
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX);

	*ret = NULL;
	if (plain != NULL && *plain != '\0') {
		buf_append_str(&path, plain);
	} else if (expression != NULL && *expression != '\0') {
		mounting->missing = NULL;
		env_expand_text(expression, mounts_lookup, mounting, &path);
		if (mounting->missing != NULL) {
			return error_set(
				mounting->reterr, -EINVAL,
				"subPathExpr '%.200s' names a variable that the container does not have",
				expression);
		}
	} else {
		return 0;
	}
	if (path.failed || !mounts_goes_down(buf_str(&path))) {
		return error_set(mounting->reterr, -EINVAL,
				 "subPath '%.200s' must be a relative path without '..'%s",
				 buf_str(&path), path.failed ? ", and a shorter one" : "");
	}
	*ret = buf_take(&path);
	return 0;
}

/* Makes the directories of a subPath that are missing, with the mode of the volume, part by part:
 * each is made in the very directory that was opened for the part before. */
static int mounts_make_sub_path(int volume, const char *path)
{
	struct stat info;
	int held = openat(volume, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (held < 0 || fstat(volume, &info) < 0) {
		cleanup_fd(&held);
		return -errno;
	}
	for (const char *part = path; held >= 0 && *part != '\0';) {
		size_t length = strcspn(part, "/");
		CLEANUP_FREE char *name = xstrndup(part, length);
		CLEANUP_FREE char *prefix = xstrndup(path, (size_t)(part - path) + length);
		CLEANUP_FD int above = held;

		/* From the volume's top, so that a link in it may lead elsewhere in it. */
		held = open_beneath(volume, prefix, O_PATH, 0, 0);
		if (held == -ENOENT) {
			held = directory_make(above, name, info.st_mode & 07777, NULL);
		}
		part += length + (part[length] == '/');
	}
	return held;
}

/* Binds what was opened to a name that no guest can change. -EPERM: nothing may be mounted. */
static int mounts_pin(struct mounting *mounting, int fd, size_t index, char **ret)
{
	CLEANUP_FREE char *name = xprintf("%s-%zu", mounting->container, index);
	CLEANUP_FREE char *target = xprintf("%s/%s", mounting->set->pins, name);
	CLEANUP_FD int pins = directory_make_path(mounting->set->pins, 0700);
	struct stat info;
	bool is_directory;
	int code = 0;

	if (pins < 0 || fstat(fd, &info) < 0) {
		return pins < 0 ? pins : -errno;
	}
	is_directory = S_ISDIR(info.st_mode);
	/* The container's last life left one; that life keeps its own. */
	if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno != EPERM) {
		unlinkat(pins, name, 0);
		unlinkat(pins, name, AT_REMOVEDIR);
	}

	CLEANUP_FD int made =
		is_directory
			? directory_make(pins, name, 0700, NULL)
			: openat(pins, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (made < 0) {
		return is_directory ? made : -errno;
	}
	if (mount(fd_path(fd).text, target, NULL, MS_BIND, NULL) < 0) {
		code = -errno;
		unlinkat(pins, name, is_directory ? AT_REMOVEDIR : 0);
		return code;
	}
	*ret = TAKE(target);
	return 0;
}

/* Where a descriptor's file is now. */
static int mounts_path_of(int fd, char **ret)
{
	char path[PATH_MAX];
	ssize_t length = readlink(fd_path(fd).text, path, sizeof(path));

	if (length < 0 || (size_t)length == sizeof(path)) {
		return length < 0 ? -errno : -ENAMETOOLONG;
	}
	*ret = xstrndup(path, (size_t)length);
	return 0;
}

static int mounts_resolve_sub_path(struct mounting *mounting, const struct volume *volume,
				   const char *path, size_t index, char **ret)
{
	CLEANUP_FD int top = open(volume->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = top < 0 ? -errno : open_beneath(top, path, O_PATH, 0, 0);
	int code;

	if (fd == -ENOENT && !volume->read_only) {
		fd = mounts_make_sub_path(top, path);
	}

	CLEANUP_FD int held = fd;

	if (fd < 0) {
		return error_set(mounting->reterr, fd == -ENOENT ? -EAGAIN : -EINVAL,
				 "failed to prepare subPath \"%.200s\" for volume \"%s\": %s", path,
				 volume->name,
				 fd == -EXDEV || fd == -ELOOP ? "it leads out of the volume"
							      : strerror(-fd));
	}
	code = mounting->set->pins != NULL ? mounts_pin(mounting, fd, index, ret) : -EPERM;
	if (code == -EPERM) {
		code = mounts_path_of(fd, ret);
	}
	return code == 0 ? 0
			 : error_set(mounting->reterr, -EAGAIN,
				     "failed to prepare subPath \"%.200s\" for volume \"%s\": %s",
				     path, volume->name, strerror(-code));
}

/* Of volumes with one name the first counts. */
static void mounts_index(struct mounting *mounting)
{
	for (size_t i = mounting->set->count; i-- > 0;) {
		struct volume *volume = &mounting->set->items[i];

		map_put(&mounting->by_name, volume->name, volume);
	}
}

static int mounts_make_mount(struct mounting *mounting, struct json_object *item, size_t index,
			     struct runtime_mount *ret)
{
	const char *name = asb_str(item, "name"), *target = asb_str(item, "mountPath");
	const struct volume *volume = name != NULL ? map_get(&mounting->by_name, name) : NULL;
	CLEANUP_FREE char *sub_path = NULL;
	char *source = NULL;
	int code;

	if (volume == NULL || target == NULL || *target == '\0') {
		return error_set(mounting->reterr, -EINVAL,
				 "volumeMount '%.200s' has no such volume or no mountPath",
				 name != NULL ? name : "");
	}
	code = mounts_read_sub_path(mounting, item, &sub_path);
	if (code < 0) {
		return code;
	}
	if (sub_path != NULL && volume->path == NULL) {
		return error_set(
			mounting->reterr, -EINVAL,
			"volume \"%s\" is in memory, of each container apart since this node may mount nothing: it takes no subPath",
			name);
	}
	if (sub_path != NULL) {
		code = mounts_resolve_sub_path(mounting, volume, sub_path, index, &source);
		if (code < 0) {
			return code;
		}
	}
	*ret = (struct runtime_mount){
		.source = source != NULL         ? source
			  : volume->path != NULL ? xstrdup(volume->path)
						 : NULL,
		.target = *target == '/' ? xstrdup(target) : xprintf("/%s", target),
		.size = volume->path == NULL ? volume->size : 0,
		.read_only = volume->read_only || asb_true(asb_at(item, "readOnly")),
	};
	return 0;
}

int volumes_mounts(const struct volume_set *set, struct json_object *container,
		   const char *const *env, struct runtime_mount **ret, size_t *ret_count,
		   struct error *reterr)
{
	struct json_object *items = asb_array(container, "volumeMounts");
	const char *name = asb_str(container, "name");
	struct error unheard = { 0 };
	struct mounting mounting = {
		.set = set,
		.container = name != NULL ? name : "",
		.env = env,
		.reterr = reterr != NULL ? reterr : &unheard,
	};
	struct runtime_mount *mounts = xnew_array(struct runtime_mount, asb_length(items) + 1);
	size_t count = 0;
	int code = 0;

	if (strchr(mounting.container, '/') != NULL) {
		code = error_set(reterr, -EINVAL, "'%.200s' is not a valid container name", name);
	}
	mounts_index(&mounting);
	for (; code == 0 && count < asb_length(items); count++) {
		code = mounts_make_mount(&mounting, json_object_array_get_idx(items, count), count,
					 &mounts[count]);
	}
	map_finish(&mounting.by_name);
	if (code < 0) {
		mounts_finish(mounts, count);
		return code;
	}
	*ret = mounts;
	*ret_count = count;
	return 0;
}
