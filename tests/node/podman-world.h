/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime on the real Podman for tests, with an image made on the spot. */
#ifndef ASB_TESTS_NODE_PODMAN_WORLD_H
#define ASB_TESTS_NODE_PODMAN_WORLD_H

#include "base/sched.h"
#include "node/podman/podman-private.h"

/* busybox in a scratch root: what `podman import` makes of a tar. Its /etc has a file of the state
 * directory's own name. */
#define TEST_IMAGE "localhost/agent-sandbox-podman-test:latest"

struct podman_world {
	struct sched *sched;
	struct runtime *runtime;
	char state[64];
	struct sched_mutex lock;
	struct sched_cond news;
	char changed[128]; /* lock: the uid last told of */
	uint64_t changes;  /* lock */
};

/* NULL: it is up; else why tests must be skipped. */
const char *world_setup(struct podman_world *world);
void world_teardown(struct podman_world *world);
/* The test's root as an image of another name, with a line of a Containerfile; and its end. */
void world_image(struct podman_world *world, const char *name, const char *change);
void world_forget_image(const char *name);
/* How many lines a shell command prints. */
size_t world_count(const char *what);
/* Ends the runtime, and makes another on the same state. */
void world_stop(struct podman_world *world);
void world_start(struct podman_world *world);
/* This program again with arguments, its output to be read from *ret_out. */
pid_t world_spawn(const char *const *argv, int *ret_out);
/* How many services of Podman run for the state. */
size_t world_services(const struct podman_world *world);
/* Waits until a change of a pod was told; false after 20 s. */
bool world_wait_changed(struct podman_world *world, const char *uid);
/* A uid nobody else has. The caller's. */
char *world_uid(struct podman_world *world);

/* Starts a pod with one container that runs a shell line; fails the test otherwise. */
void world_run(struct podman_world *world, const char *uid, const char *handler, const char *line,
	       char ret_ip[64], char ret_id[80]);
/* Runs a shell line in it; the output must contain wanted. */
void world_expect(struct podman_world *world, const char *id, const char *line, const char *wanted);

#endif
