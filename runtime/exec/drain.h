/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drains read the outputs of commands that are done while a background process still has them open.
 * What they read is dropped, so that the writers neither get SIGPIPE nor wait for long. The work is
 * bounded: all drains together are read DRAIN_READS times in DRAIN_PAUSE_US. The number is bounded
 * too: above DRAINS_MAX, or an eighth of RLIMIT_NOFILE, the oldest drain is closed. One thread at a
 * time may call these functions.
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
/* Takes the descriptor, which must be non-blocking. */
void drains_add(struct drains *drains, int take_fd);
/* The epoll descriptor of all drains; it is readable when one of them is. */
int drains_fd(const struct drains *drains);
/* Reads once from each drain that has something, within the limit. buffer is scratch space. Returns
 * when to call it again; 0: when drains_fd is readable. */
uint64_t drains_read(struct drains *drains, uint64_t now, char *buffer, size_t size);
size_t drains_count(const struct drains *drains);

#endif
