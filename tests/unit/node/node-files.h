/* SPDX-License-Identifier: Apache-2.0 */
/* Files for tests of volumes: a directory of the test's own, and what is in files. Include after
 * cmocka.h. */
#ifndef ASB_TESTS_UNIT_NODE_NODE_FILES_H
#define ASB_TESTS_UNIT_NODE_NODE_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/memory.h"
#include "node/volumes/files.h"

static inline char *files_temporary(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xprintf("%s/asb-volumes-XXXXXX", tmp != NULL ? tmp : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

/* The whole directory. */
static inline void files_remove(const char *path)
{
	CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(directory >= 0);
	assert_int_equal(volumes_tree_remove(directory), 0);
	assert_int_equal(rmdir(path), 0);
}

static inline void files_write(const char *directory, const char *name, const char *text)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* content NULL: there is no such file. */
static inline void files_expect(const char *path, const char *content)
{
	char bytes[4096] = { 0 };
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (content == NULL) {
		assert_int_equal(fd, -1);
		return;
	}
	assert_true(fd >= 0);
	assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
	assert_string_equal(bytes, content);
}

static inline void files_expect_bytes(const char *directory, const char *name, const void *content,
				      size_t length)
{
	char bytes[4096];
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), length);
	assert_memory_equal(bytes, content, length);
}

static inline void files_link(const char *directory, const char *name, char ret[64])
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);
	ssize_t length = readlink(path, ret, 63);

	assert_true(length > 0);
	ret[length] = '\0';
}

static inline int files_count(const char *directory)
{
	DIR *dir = opendir(directory);
	int count = -2; /* . and .. */

	assert_non_null(dir);
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static inline bool files_is_tmpfs(const char *path)
{
	struct statfs info;

	return statfs(path, &info) == 0 && info.f_type == TMPFS_MAGIC;
}

/* Whether this process may mount at all. */
static inline bool files_may_mount(void)
{
	CLEANUP_FREE char *path = files_temporary();
	bool may = mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0;

	if (may) {
		umount2(path, MNT_DETACH);
	}
	rmdir(path);
	return may;
}

#endif
