/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and ends all processes of a command, wherever they went. A process group is left by setsid, a
 * parent by a double fork, an environment is emptied by env -i, and cgroups are mostly read-only in a
 * container. What stays through all of these, exec and setuid included, is a resource limit: each
 * command's tree runs with a hard RLIMIT_RTTIME of its own, some 10,000 years, which touches nobody but
 * real-time processes of that age. Who is not allowed to raise hard limits (all without
 * CAP_SYS_RESOURCE) can leave it only by lowering it further; then, and where it cannot be read,
 * process group, session and the parent's mark still tell.
 */
#ifndef ASB_RUNTIME_EXEC_TREE_H
#define ASB_RUNTIME_EXEC_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_marks {
	uint64_t top; /* this many and less: marks are handed out downwards */
	uint64_t used;
};

void tree_marks_init(struct tree_marks *marks, uint64_t random);
uint64_t tree_mark_next(struct tree_marks *marks);

/* Kills, once, all that is found of one tree: the mark's, and what is in the leader's session or
 * group (0: no leader). Returns how many were found: until it is 0 there may be more. Zombies do not
 * count. */
size_t tree_kill(uint64_t mark, pid_t leader);
/* The same for all trees of these marks. */
size_t tree_kill_all(const struct tree_marks *marks);

#endif
