/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and kills all processes of a command. A process leaves its process group by setsid and its
 * parent by a double fork, env -i empties its environment, and cgroups are mostly read-only in a
 * container. A resource limit survives all of these, exec and setuid too. So each command's tree
 * has a process tag: a hard RLIMIT_RTTIME of its own, some 10,000 years, which affects only
 * real-time processes of that age. Without CAP_SYS_RESOURCE a process cannot raise a hard limit, so
 * it can lose its tag only by lowering it further. For such a process, and where the tag cannot be
 * read, the process group, the session and the parent's tag decide.
 */
#ifndef ASB_RUNTIME_EXEC_TREE_H
#define ASB_RUNTIME_EXEC_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_tags {
	uint64_t top;  /* tags are handed out downwards from here */
	uint64_t used; /* how many have been handed out */
};

void tree_tags_init(struct tree_tags *tags, uint64_t random);
uint64_t tree_tag_next(struct tree_tags *tags);

/* The processes of one command: those with its tag, and those in the session or process group of its leader. */
struct tree_target {
	uint64_t tag;
	pid_t leader; /* 0: no leader */
	size_t found; /* set by tree_kill_each: how many processes it found, without zombies */
};

/* Sends SIGKILL to all processes of these trees that it finds, in one walk of /proc: the walk is what
 * costs, not the trees. Sorts the targets by their tags. There may be more processes of a tree until
 * its found is 0. */
void tree_kill_each(struct tree_target *targets, size_t count);
/* The target of a tag among those that tree_kill_each has sorted; NULL for none. */
struct tree_target *tree_find(struct tree_target *targets, size_t count, uint64_t tag);
/* Does the same for all trees that these tags were handed out to. Returns how many processes it found. */
size_t tree_kill_all(const struct tree_tags *tags);

#endif
