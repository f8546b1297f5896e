/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime that runs containers as plain processes of this machine, for local mode where Podman
 * cannot run. It isolates nothing, and says so: at its start, in check() and with an event for each
 * container. There are no images: a container's command must be installed on this machine. A
 * container without a command runs the program that --process-images names for its image, with the
 * flags of agent-sandbox-runtime. Mounts, users, limits and capabilities are not made; each that a
 * pod asks for is a note.
 *
 * Each pod has a loopback address of its own, 127.64.0.1 to 127.127.255.254, for its servers to
 * listen on ($POD_IP). Each container has a directory to start in, and a supervisor: this program,
 * executed again (process_supervise), which outlives the node, keeps the log and writes down how it
 * ended. Every process of a container has its id in $ASB_CONTAINER, by which all of them are found
 * and ended, unless they empty their environment.
 */
#ifndef ASB_NODE_PROCESS_PROCESS_H
#define ASB_NODE_PROCESS_PROCESS_H

#include "base/sched.h"
#include "node/runtime/runtime.h"

#define PROCESS_SUPERVISOR "--supervise-process" /* the first argument of a supervisor */

/* directory: absolute, made when absent; everything is found again there. images: which program a
 * container without a command runs, as "IMAGE=PROGRAM,..."; IMAGE is the last part of an image's
 * name, without its tag. Both are copied. changed is called on a thread of the runtime until
 * destroy returns. */
int process_runtime_create(struct sched *sched, const char *directory, const char *images,
			   runtime_changed changed, void *arg, struct runtime **ret,
			   struct error *reterr);
/* The supervisor's main. argv: PROGRAM PROCESS_SUPERVISOR DIRECTORY-OF-THE-CONTAINER. */
int process_supervise(int argc, char **argv);

#endif
