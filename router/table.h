/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map from "<sandbox>/<namespace>" to a pod's address. It is kept here in memory, and copied to
 * HAProxy's map file and to HAProxy's memory. HAProxy gets a command for each change; after a
 * failure it gets the whole map (prepare, add, commit, so that no entry is missing meanwhile). All
 * functions may be called from any thread.
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

/* Sets an entry, or removes it when address is NULL, and sends the change to HAProxy if that runs.
 * Each address belongs to one key: the one with the latest `since` (RFC 3339 in UTC, compared as
 * text), which takes it from another key. -EBUSY: the address belongs to another key, and this key
 * has no entry now. */
int table_set(struct table *table, const char *key, const char *address, const char *since);
size_t table_count(struct table *table);

/* Replaces the map file, which HAProxy reads when it starts. */
int table_write(struct table *table, struct error *reterr);
/* HAProxy runs with the file as it was last written: from now on changes are sent to it. */
void table_online(struct table *table);
/* HAProxy does not run: changes are only kept in memory. */
void table_offline(struct table *table);
/* Sends the whole map if a command has failed since the last time. Called every second. */
void table_repair(struct table *table);
/* HAProxy has not responded to a command (see commands.h), so its map is unknown until the next
 * table_online. */
void table_lose(struct table *table);
bool table_is_lost(struct table *table);

#endif
