/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime of plain processes remembers in files, and how it knows a process again. Called by
 * its other parts and by supervisors. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <agent-sandbox/helpers.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/process-private.h"

#define DEPTH_MAX 64

/* All of a file; false: there is none, or it is larger than may be. */
static bool read_file(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[8192];
	ssize_t got = 0;

	if (fd < 0) {
		return false;
	}
	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		buf_append(ret, piece, (size_t)got);
	}
	close(fd);
	return got == 0 && !ret->failed;
}

struct json_object *process_load(const char *folder, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", folder, name);
	CLEANUP_BUF struct buf text = BUF_INIT(PROCESS_FILE_MAX);

	return read_file(path, &text) ? json_parse(buf_str(&text), text.length, NULL) : NULL;
}

int process_store(const char *folder, const char *name, struct json_object *tree)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", folder, name);
	CLEANUP_FREE char *next = xprintf("%s/.%s.new", folder, name);
	CLEANUP_BUF struct buf text = BUF_INIT(PROCESS_FILE_MAX);
	int fd, error = 0;

	json_print(tree, &text);
	if (text.failed) {
		return -EFBIG;
	}
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	for (size_t at = 0; at < text.length && error == 0;) {
		ssize_t put = write(fd, text.data + at, text.length - at);

		at += put > 0 ? (size_t)put : 0;
		error = put < 0 && errno != EINTR ? -errno : 0;
	}
	close(fd);
	if (error == 0 && rename(next, path) < 0) {
		error = -errno;
	}
	return error;
}

int process_each(const char *folder, int (*each)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r = 0;

	if (dir == NULL) {
		return errno == ENOENT ? 0 : -errno;
	}
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			r = each(arg, entry->d_name);
		}
	}
	closedir(dir);
	return r;
}

/* Below an open folder, by descriptors: names that others put there lead nowhere else. */
static void remove_below(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (dir != NULL && depth < DEPTH_MAX && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0) {
			remove_below(dirfd(dir), entry->d_name, depth + 1);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	} else if (fd >= 0) {
		close(fd);
	}
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

void process_remove_tree(const char *folder)
{
	remove_below(AT_FDCWD, folder, 0);
}

int64_t process_start_time(pid_t pid)
{
	CLEANUP_FREE char *path = xprintf("/proc/%lld/stat", (long long)pid);
	CLEANUP_BUF struct buf text = BUF_INIT(8192);
	int64_t value = 0;
	char *at;

	if (pid <= 0 || !read_file(path, &text)) {
		return 0;
	}
	/* The name may hold anything, so from its end: the state is field 3, the start field 22. */
	at = strrchr(buf_str(&text), ')');
	if (at == NULL || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X') {
		return 0;
	}
	for (int field = 2; field < 22 && at != NULL; field++) {
		at = strchr(at + 1, ' ');
	}
	if (at == NULL) {
		return 0;
	}
	at++;
	at[strcspn(at, " \n")] = '\0';
	return integer_parse(at, 1, INT64_MAX, &value) == 0 ? value : 0;
}

pid_t process_supervisor(struct json_object *run)
{
	pid_t pid = (pid_t)asb_int(asb_at(run, "supervisor"), 0);
	int64_t start = asb_int(asb_at(run, "supervisorStart"), 0);

	return pid > 1 && start != 0 && process_start_time(pid) == start ? pid : -1;
}
