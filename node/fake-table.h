/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the fake runtime: rows in memory and, if wished, in a file. Not locked. */
#ifndef ASB_NODE_FAKE_TABLE_H
#define ASB_NODE_FAKE_TABLE_H

#include "node/runtime.h"

struct fake_row {
	struct runtime_status status;
};

struct fake_table {
	char *file; /* NULL: none */
	struct fake_row **rows;
	size_t count, size;
	uint64_t last; /* number of the newest row */
};

int fake_table_load(struct fake_table *table, const char *file, struct error *reterr);
void fake_table_finish(struct fake_table *table);
int fake_table_save(const struct fake_table *table, struct error *reterr);
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
