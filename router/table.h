/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map from "<sandbox>/<namespace>" to a pod's address: in memory, and from there in HAProxy's
 * map file and in its memory. What is here is the truth; HAProxy's copy is brought up to it by one
 * command for each change, or all at once (prepare, add, commit: no gap) after anything went wrong.
 * Any thread.
 */
#ifndef ASB_ROUTER_TABLE_H
#define ASB_ROUTER_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/sched.h"

struct table;
/* file: HAProxy's map file; socket: its command socket. Both are copied. */
struct table *table_create(struct sched *sched, const char *file, const char *socket);
void table_destroy(struct table *table);

/* Sets an entry, or with address NULL drops it; tells HAProxy if that runs. An address has one
 * owner, the pod that has it since the latest time (RFC 3339 in UTC, compared as text): it takes
 * the address from another; -EBUSY: another one has it, and this key has no entry now. */
int table_set(struct table *table, const char *key, const char *address, const char *since);
size_t table_count(struct table *table);

/* Writes the map file (a new one, renamed): HAProxy reads it when it starts. */
int table_write(struct table *table, struct error *reterr);
/* HAProxy runs, with the file as last written: from now on it is told of changes. */
void table_online(struct table *table);
/* It does not run: changes wait for the file. */
void table_offline(struct table *table);
/* Sends everything again when a command has failed since the last time. Called now and then. */
void table_repair(struct table *table);
/* HAProxy has left a command without a response (see commands.h): nobody knows what its map will be.
 * Until the next table_online. */
void table_lose(struct table *table);
bool table_is_lost(struct table *table);

#endif
