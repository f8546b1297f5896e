/* SPDX-License-Identifier: Apache-2.0 */
/* Walks /proc for the processes of a command. Called by supervise.c. */
#include "config.h"

#include "runtime/exec/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"

/* Tags have 18 digits, which integer_parse can read. Each server starts at a random number between
 * these, so that two servers that see each other's processes do not kill them. */
#define TAG_MOST (UINT64_C(1) << 59)
#define TAG_LEAST (UINT64_C(1) << 57)
#define LIMITS_MAX 4096
#define STAT_MAX 1024

struct range {
	uint64_t least, most;
	pid_t leader;
};

void tree_tags_init(struct tree_tags *tags, uint64_t random)
{
	struct rlimit limit;
	uint64_t most = TAG_MOST;

	/* A server inside a command of another server uses tags below its own. */
	if (getrlimit(RLIMIT_RTTIME, &limit) == 0 && limit.rlim_max <= most) {
		most = limit.rlim_max - 1;
	}
	*tags = (struct tree_tags){ .top = most > 2 * TAG_LEAST
						   ? 2 * TAG_LEAST + random % (most - 2 * TAG_LEAST)
						   : most };
}

uint64_t tree_tag_next(struct tree_tags *tags)
{
	return tags->top - ++tags->used;
}

/* ---- reading /proc ---- */

static int tree_read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}

	ssize_t length = read(fd, text, size - 1);

	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length > 0 ? 0 : -ESRCH;
}

/* Reads the tag of a process of another user, which prlimit refuses to return. */
static uint64_t tree_read_tag_text(pid_t pid)
{
	static const char name[] = "Max realtime timeout";
	char text[LIMITS_MAX], number[24] = "";
	int64_t tag = 0;

	if (tree_read_file(pid, "limits", text, sizeof(text)) < 0) {
		return 0;
	}

	const char *line = strstr(text, name);

	if (line == NULL) {
		return 0;
	}
	line += sizeof(name) - 1;
	line += strspn(line, " ");
	line += strcspn(line, " "); /* the soft one */
	line += strspn(line, " ");

	size_t length = strspn(line, "0123456789");

	if (length > 0 && length < sizeof(number)) {
		memcpy(number, line, length);
	}
	return integer_parse(number, 1, INT64_MAX, &tag) == 0 ? (uint64_t)tag : 0;
}

static uint64_t tree_read_tag(pid_t pid)
{
	struct rlimit limit;

	if (prlimit(pid, RLIMIT_RTTIME, NULL, &limit) == 0) {
		return limit.rlim_max;
	}
	return errno == EPERM ? tree_read_tag_text(pid) : 0;
}

struct status {
	char state;
	pid_t parent, group, session;
};

static bool tree_read_status(pid_t pid, struct status *ret)
{
	char text[STAT_MAX];
	int64_t numbers[3];

	if (tree_read_file(pid, "stat", text, sizeof(text)) < 0) {
		return false;
	}

	/* "pid (name) state parent group session ...": a name may hold anything. */
	char *at = strrchr(text, ')');

	if (at == NULL || strlen(at) < 5) {
		return false;
	}
	ret->state = at[2];
	at += 4;
	for (size_t i = 0; i < 3; i++) {
		size_t length = strcspn(at, " ");

		if (at[length] != ' ') {
			return false;
		}
		at[length] = '\0';
		if (integer_parse(at, 0, INT32_MAX, &numbers[i]) < 0) {
			return false;
		}
		at += length + 1;
	}
	ret->parent = (pid_t)numbers[0];
	ret->group = (pid_t)numbers[1];
	ret->session = (pid_t)numbers[2];
	return true;
}

/* ---- finding the processes ---- */

static bool tree_range_contains(const struct range *range, uint64_t tag)
{
	return tag >= range->least && tag <= range->most;
}

static bool tree_range_matches(const struct range *range, pid_t pid)
{
	uint64_t tag = tree_read_tag(pid);
	struct status status;

	if (tree_range_contains(range, tag)) {
		return !tree_read_status(pid, &status) || status.state != 'Z';
	}
	/* The process has the tag of another tree, which decides before process group and
	 * session. */
	if (tag >= TAG_LEAST && tag <= TAG_MOST) {
		return false;
	}
	if (!tree_read_status(pid, &status) || status.state == 'Z' || pid == getpid()) {
		return false;
	}
	if (range->leader > 1 &&
	    (status.group == range->leader || status.session == range->leader)) {
		return true;
	}
	return status.parent > 1 && status.parent != getpid() &&
	       tree_range_contains(range, tree_read_tag(status.parent));
}

/* The pidfd refers to the process that is checked: its number could belong to another process when
 * the signal is sent. */
static bool tree_kill_if_it_belongs(const struct range *range, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool found;

	if (fd < 0 && errno != ENOSYS && errno != EMFILE && errno != ENFILE) {
		return false;
	}
	found = tree_range_matches(range, pid);
	if (found && fd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	} else if (found) {
		(void)kill(pid, SIGKILL);
	}
	if (fd >= 0) {
		close(fd);
	}
	return found;
}

static size_t tree_kill_range(const struct range *range)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	size_t found = 0;
	int64_t pid;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (integer_parse(entry->d_name, 2, INT32_MAX, &pid) == 0 &&
		    tree_kill_if_it_belongs(range, (pid_t)pid)) {
			found++;
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
	return found;
}

size_t tree_kill(uint64_t tag, pid_t leader)
{
	return tree_kill_range(&(struct range){ .least = tag, .most = tag, .leader = leader });
}

size_t tree_kill_all(const struct tree_tags *tags)
{
	if (tags->used == 0) {
		return 0;
	}
	return tree_kill_range(
		&(struct range){ .least = tags->top - tags->used, .most = tags->top });
}
