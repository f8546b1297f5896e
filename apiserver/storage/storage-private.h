/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the database share: opening, checking and writing. Private to
 * apiserver/storage. */
#ifndef ASB_APISERVER_STORAGE_STORAGE_PRIVATE_H
#define ASB_APISERVER_STORAGE_STORAGE_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "apiserver/storage/storage.h"

struct storage {
	struct objects_storage hooks;
	sqlite3 *db;
	sqlite3_stmt *put, *remove, *version;
	int lock;    /* of <directory>/api.lock */
	int reserve; /* <directory>/api.reserve: it takes RESERVE_BYTES, or nothing */
	bool reserved;
};

/* ---- storage-sql.c ---- */
/* Fills *reterr with what SQLite's result means and what to do; returns the code. */
int storage_failed(struct storage *storage, int result, const char *what, struct error *reterr);
int storage_run(struct storage *storage, const char *sql, const char *what, struct error *reterr);
/* The one number a query gives; 0 for no row. */
int storage_number(struct storage *storage, const char *sql, int64_t *ret, struct error *reterr);
/* ---- storage-write.c ---- */
/* Sets the functions of the hooks, and prepares what they run. */
int storage_prepare(struct storage *storage, struct error *reterr);

/* Takes the reserve's room, unless the disk has none. */
void storage_take_reserve(struct storage *storage);

/* ---- storage-check.c ---- */
/* The checksum of a row, over all its other columns. */
int64_t storage_sum(uint64_t order, uint64_t version, const char *kind_id, const char *ns,
		    const char *name, const void *body, size_t length);
/* Before SQLite opens them: -EUCLEAN for a database that was cut to nothing, and for a write-ahead
 * log of which SQLite would drop a part in silence. */
int storage_check_files(const char *directory, struct error *reterr);
/* -EUCLEAN and which object for a row whose checksum differs. */
int storage_check_rows(struct storage *storage, struct error *reterr);
/* Gives the rows of layout 1 their sums, which makes it layout 2. */
int storage_add_sums(struct storage *storage, struct error *reterr);

#endif
