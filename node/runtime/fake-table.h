/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the fake runtime: rows in memory and, if wished, in a file. Not locked.
 *
 * The file is a journal, a line of JSON for each change, written again at each load: so a change
 * costs the same with one pod and with ten thousand.
 */
#ifndef ASB_NODE_RUNTIME_FAKE_TABLE_H
#define ASB_NODE_RUNTIME_FAKE_TABLE_H

#include "base/buf.h"
#include "base/map.h"
#include "node/runtime/runtime.h"

struct fake_row {
	struct runtime_status status;
	struct fake_row *next; /* of the same pod */
	size_t at;             /* in rows */
};

struct fake_table {
	char *file; /* NULL: none */
	struct fake_row **rows;
	size_t count, size;
	uint64_t last;      /* number of the newest row */
	struct map pods;    /* uid: its first row */
	struct map ids;     /* id: row */
	struct buf journal; /* changes that are not in the file yet */
	int fd;             /* of the file; -1: none */
};

int fake_table_load(struct fake_table *table, const char *file, struct error *reterr);
void fake_table_finish(struct fake_table *table);
/* Writes what was changed, added or removed since the last time. */
int fake_table_save(struct fake_table *table, struct error *reterr);
/* The row was added or changed, and is complete: the next save writes it. */
void fake_table_touch(struct fake_table *table, const struct fake_row *row);
/* name NULL: the pod's own row. A new row has an id and, a pod's, an address; the rest is the
 * caller's. */
struct fake_row *fake_table_add(struct fake_table *table, const char *uid, const char *name,
				uint32_t attempt);
struct fake_row *fake_table_find(struct fake_table *table, const char *uid, const char *name,
				 uint32_t attempt);
struct fake_row *fake_table_by_id(struct fake_table *table, const char *id);
void fake_table_remove(struct fake_table *table, struct fake_row *row);
/* uid NULL: all. */
void fake_table_list(const struct fake_table *table, const char *uid, struct runtime_list *ret);

#endif
