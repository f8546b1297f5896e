/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a program as posix_spawn does (the child shares our memory until it runs the program, so it
 * costs the same whatever our size), with what posix_spawn has no attribute for: another user, its
 * own place among the killable, a mark that tree.h finds it by. Not for two threads at once.
 */
#ifndef ASB_RUNTIME_SPAWN_H
#define ASB_RUNTIME_SPAWN_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct user;

struct spawn_plan {
	char *const *paths; /* what to try, in order, NULL at the end */
	char *const *argv, *const *envp;
	int folder;      /* descriptor; where it starts */
	const char *cwd; /* from there; NULL: there */
	int in, out, err;
	const struct user *user; /* NULL: as we are */
	uint64_t mark;           /* of its tree; 0: none */
	struct rlimit files;     /* RLIMIT_NOFILE, which the server raised for itself */
};

enum spawn_step { SPAWN_FORK, SPAWN_FOLDER, SPAWN_USER, SPAWN_RUN };

struct spawner;
/* NULL with errno when there is no memory. */
struct spawner *spawner_create(void);
void spawner_destroy(struct spawner *spawner);
/* 0, or a negative errno and the step it came from. The child leads its own process group; where the
 * server has a terminal, its own session, so that no command gets at that. */
int spawner_run(struct spawner *spawner, const struct spawn_plan *plan, pid_t *ret_pid,
		enum spawn_step *ret_step);

#endif
