/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime of plain processes remembers in files, and how it knows a process again. Called
 * by its other parts and by supervisors. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/process/process-private.h"

#define DEPTH_MAX 64

struct json_object *process_load(const char *directory, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);
	CLEANUP_BUF struct buf text = BUF_INIT(PROCESS_FILE_MAX);

	return file_read(path, &text) == 0 ? json_parse(buf_str(&text), text.length, NULL) : NULL;
}

int process_store(const char *directory, const char *name, struct json_object *tree)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);
	CLEANUP_BUF struct buf text = BUF_INIT(PROCESS_FILE_MAX);

	json_print(tree, &text);
	return text.failed ? -EFBIG : file_replace(path, text.data, text.length, 0600, false);
}

int process_each(const char *directory, int (*each)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int code = 0;

	if (dir == NULL) {
		return errno == ENOENT ? 0 : -errno;
	}
	while (code == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			code = each(arg, entry->d_name);
		}
	}
	closedir(dir);
	return code;
}

/* Removes a tree by descriptors, so that links in it do not lead out of it. */
static void state_remove_below(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (dir != NULL && depth < DEPTH_MAX && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dirfd(dir), entry->d_name, 0) < 0) {
			state_remove_below(dirfd(dir), entry->d_name, depth + 1);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	} else if (fd >= 0) {
		close(fd);
	}
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

void process_remove_tree(const char *directory)
{
	state_remove_below(AT_FDCWD, directory, 0);
}

int64_t process_start_time(pid_t pid)
{
	CLEANUP_FREE char *path = xprintf("/proc/%lld/stat", (long long)pid);
	CLEANUP_BUF struct buf text = BUF_INIT(8192);
	int64_t value = 0;
	char *at;

	if (pid <= 0 || file_read(path, &text) < 0) {
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
