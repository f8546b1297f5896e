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
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"

/* Tags have 18 digits, which integer_parse can read. Each server starts at a random number between
 * these, so that two servers that see each other's processes do not kill them. */
#define TAG_MOST (UINT64_C(1) << 59)
#define TAG_LEAST (UINT64_C(1) << 57)
#define LIMITS_MAX 4096
#define STAT_MAX 1024

/* What one walk of /proc looks for: the trees of targets, or every tag between two. */
struct tree_search {
	struct tree_target *targets; /* sorted by tag */
	size_t count;
	struct tree_target **leaders; /* those that have a leader, sorted by it */
	size_t leader_count;
	struct tree_target all; /* of the tags between least and most, where targets is NULL */
	uint64_t least, most;
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

static int tree_compare_tags(const void *left, const void *right)
{
	const struct tree_target *a = left, *b = right;

	return a->tag < b->tag ? -1 : a->tag > b->tag;
}

static int tree_compare_leaders(const void *left, const void *right)
{
	const struct tree_target *a = *(struct tree_target *const *)left;
	const struct tree_target *b = *(struct tree_target *const *)right;

	return a->leader < b->leader ? -1 : a->leader > b->leader;
}

struct tree_target *tree_find(struct tree_target *targets, size_t count, uint64_t tag)
{
	struct tree_target wanted = { .tag = tag };

	return bsearch(&wanted, targets, count, sizeof(wanted), tree_compare_tags);
}

static struct tree_target *tree_find_tag(struct tree_search *search, uint64_t tag)
{
	if (search->targets == NULL) {
		return tag >= search->least && tag <= search->most ? &search->all : NULL;
	}
	return tree_find(search->targets, search->count, tag);
}

static struct tree_target *tree_find_leader(struct tree_search *search, pid_t leader)
{
	struct tree_target wanted = { .leader = leader }, *key = &wanted;
	struct tree_target **found = NULL;

	if (leader > 1 && search->leader_count > 0) {
		found = bsearch(&key, search->leaders, search->leader_count, sizeof(key),
				tree_compare_leaders);
	}
	return found != NULL ? *found : NULL;
}

/* The tree that a process belongs to; NULL for none of those that are looked for, and for zombies. */
static struct tree_target *tree_of(struct tree_search *search, pid_t pid)
{
	uint64_t tag = tree_read_tag(pid);
	struct tree_target *target = tree_find_tag(search, tag);
	struct status status;

	if (target != NULL) {
		return !tree_read_status(pid, &status) || status.state != 'Z' ? target : NULL;
	}
	/* The process has the tag of another tree, which decides before process group and session. */
	if (tag >= TAG_LEAST && tag <= TAG_MOST) {
		return NULL;
	}
	if (!tree_read_status(pid, &status) || status.state == 'Z' || pid == getpid()) {
		return NULL;
	}
	target = tree_find_leader(search, status.group);
	target = target != NULL ? target : tree_find_leader(search, status.session);
	if (target == NULL && status.parent > 1 && status.parent != getpid()) {
		target = tree_find_tag(search, tree_read_tag(status.parent));
	}
	return target;
}

/* The pidfd refers to the process that is checked: its number could belong to another process when
 * the signal is sent. */
static void tree_kill_if_it_belongs(struct tree_search *search, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct tree_target *target;

	if (fd < 0 && errno != ENOSYS && errno != EMFILE && errno != ENFILE) {
		return;
	}
	target = tree_of(search, pid);
	if (target != NULL) {
		target->found++;
		if (fd >= 0) {
			(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		} else {
			(void)kill(pid, SIGKILL);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
}

static void tree_walk(struct tree_search *search)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	int64_t pid;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (integer_parse(entry->d_name, 2, INT32_MAX, &pid) == 0) {
			tree_kill_if_it_belongs(search, (pid_t)pid);
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
}

void tree_kill_each(struct tree_target *targets, size_t count)
{
	CLEANUP_FREE struct tree_target **leaders = xalloc(count * sizeof(*leaders));
	struct tree_search search = { .targets = targets, .count = count, .leaders = leaders };

	qsort(targets, count, sizeof(*targets), tree_compare_tags);
	for (size_t i = 0; i < count; i++) {
		targets[i].found = 0;
		if (targets[i].leader > 1) {
			leaders[search.leader_count++] = &targets[i];
		}
	}
	qsort(leaders, search.leader_count, sizeof(struct tree_target *), tree_compare_leaders);
	tree_walk(&search);
}

size_t tree_kill_all(const struct tree_tags *tags)
{
	struct tree_search search = { .least = tags->top - tags->used, .most = tags->top };

	if (tags->used == 0) {
		return 0;
	}
	tree_walk(&search);
	return search.all.found;
}
