/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outputs of commands that were answered while something in the background still had them open.
 * They are read and what comes is dropped, so that the writers neither get SIGPIPE nor wait for long.
 * Both are bounded: all of them together are read DRAIN_READS times in DRAIN_PAUSE_US, and where
 * there are more than DRAINS_MAX, or an eighth of the descriptors the process may have, the oldest one
 * is closed. One thread at a time.
 */
#ifndef ASB_RUNTIME_EXEC_DRAIN_H
#define ASB_RUNTIME_EXEC_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#define DRAINS_MAX 2048u /* the two outputs of 1,024 commands */
#define DRAIN_READS 16
#define DRAIN_PAUSE_US 10000u /* with pipes of 64 KiB: 100 MB/s */

struct drains;

/* NULL with errno. */
struct drains *drains_create(void);
void drains_destroy(struct drains *drains);
/* Takes the descriptor, which does not block. */
void drains_add(struct drains *drains, int take_fd);
/* Readable when there is something to read. */
int drains_fd(const struct drains *drains);
/* Reads once from each that has something, as long as it may. buffer holds what is dropped. Returns
 * when to call it again; 0: whenever there is something to read. */
uint64_t drains_read(struct drains *drains, uint64_t now, char *buffer, size_t size);
size_t drains_count(const struct drains *drains);

#endif
