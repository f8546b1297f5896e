/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to the database and loading from it, also when the disk is full. The API's objects call it
 * through struct objects_storage. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "apiserver/storage/storage-private.h"
#include "base/memory.h"

#define RESERVE_BYTES (4 << 20) /* room to delete in when the disk is full: as long as a WAL */

/* ---- writes ---- */

/* Runs a bound statement that gives no rows. */
static int storage_step(struct storage *storage, sqlite3_stmt *statement, const char *what,
			struct error *reterr)
{
	int result = sqlite3_step(statement), code = 0;

	if (result != SQLITE_DONE) {
		code = storage_failed(storage, result, what, reterr);
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	/* A full disk may have left a transaction open. */
	if (code < 0 && sqlite3_get_autocommit(storage->db) == 0) {
		sqlite3_exec(storage->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return code;
}

static int storage_put_once(struct storage *storage, const char *kind_id, uint64_t order,
			    uint64_t version, const char *ns, const char *name, const char *text,
			    size_t length, struct error *reterr)
{
	sqlite3_stmt *statement = storage->put;

	sqlite3_bind_int64(statement, 1, (int64_t)order);
	sqlite3_bind_int64(statement, 2, (int64_t)version);
	sqlite3_bind_text(statement, 3, kind_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(statement, 6, text, length, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 7,
			   storage_sum(order, version, kind_id, ns, name, text, length));
	return storage_step(storage, statement, "writing to the database", reterr);
}

/* ---- a full disk ---- */

void storage_take_reserve(struct storage *storage)
{
	if (!storage->reserved && storage->reserve >= 0) {
		storage->reserved = posix_fallocate(storage->reserve, 0, RESERVE_BYTES) == 0;
		if (!storage->reserved) {
			(void)!ftruncate(storage->reserve, 0);
		}
	}
}

/* Frees the reserve and the WAL's space for a deletion. Returns whether another attempt makes
 * sense. */
static bool storage_spend_reserve(struct storage *storage, int code)
{
	if (code != -ENOSPC) {
		return false;
	}
	if (storage->reserved && ftruncate(storage->reserve, 0) == 0) {
		storage->reserved = false;
	}
	(void)storage_checkpoint(storage, NULL);
	return true;
}

/* Without the reserve only pages that deletions freed are written, so that the next deletion
 * finds room. */
static bool storage_may_grow(struct storage *storage)
{
	int64_t pages = 0;

	storage_take_reserve(storage);
	return storage->reserved || storage->reserve < 0 ||
	       (storage_number(storage, "PRAGMA freelist_count", &pages, NULL) == 0 && pages > 0);
}

static int storage_put(void *arg, const char *kind_id, uint64_t order, uint64_t version,
		       const char *ns, const char *name, const char *text, size_t length,
		       struct error *reterr)
{
	struct storage *storage = arg;

	if (!storage_may_grow(storage)) {
		return storage_failed(storage, SQLITE_FULL, "writing to the database", reterr);
	}

	int code =
		storage_put_once(storage, kind_id, order, version, ns, name, text, length, reterr);

	/* A checkpoint moves the WAL into the file and frees its space. */
	if (code == -ENOSPC && storage_checkpoint(storage, NULL) == 0) {
		code = storage_put_once(storage, kind_id, order, version, ns, name, text, length,
					reterr);
	}
	return code;
}

/* One transaction of two statements: the counter must know the version of what is gone. */
static int storage_remove_once(struct storage *storage, uint64_t order, uint64_t version,
			       struct error *reterr)
{
	const char *what = "deleting from the database";
	int code = storage_run(storage, "BEGIN IMMEDIATE", what, reterr);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(storage->version, 1, (int64_t)version);
	code = storage_step(storage, storage->version, what, reterr);
	if (code == 0) {
		sqlite3_bind_int64(storage->remove, 1, (int64_t)order);
		code = storage_step(storage, storage->remove, what, reterr);
	}
	if (code == 0) {
		code = storage_run(storage, "COMMIT", what, reterr);
	}
	if (code < 0 && sqlite3_get_autocommit(storage->db) == 0) {
		sqlite3_exec(storage->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return code;
}

static int storage_take_out(void *arg, uint64_t order, uint64_t version, struct error *reterr)
{
	struct storage *storage = arg;
	int code = storage_remove_once(storage, order, version, reterr);

	return storage_spend_reserve(storage, code)
		       ? storage_remove_once(storage, order, version, reterr)
		       : code;
}

static int storage_load(void *arg, const char *kind_id,
			int (*take)(void *to, uint64_t order, uint64_t version, const char *text,
				    size_t length, struct error *reterr),
			void *to, struct error *reterr)
{
	struct storage *storage = arg;
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(
		    storage->db,
		    "SELECT id, version, body FROM objects WHERE kind = ?1 ORDER BY id", -1,
		    &statement, NULL),
	    code = 0;

	if (result == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, kind_id, -1, SQLITE_STATIC);
		while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
			const char *text = sqlite3_column_blob(statement, 2);

			code = take(to, (uint64_t)sqlite3_column_int64(statement, 0),
				    (uint64_t)sqlite3_column_int64(statement, 1),
				    text != NULL ? text : "",
				    (size_t)sqlite3_column_bytes(statement, 2), reterr);
		}
	}
	sqlite3_finalize(statement);
	if (code == 0 && result != SQLITE_DONE) {
		code = storage_failed(storage, result, "reading the database", reterr);
	}
	return code;
}

int storage_prepare(struct storage *storage, struct error *reterr)
{
	const struct {
		const char *sql;
		sqlite3_stmt **statement;
	} statements[] = {
		{ "INSERT INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body, sum = excluded.sum",
		  &storage->put },
		{ "DELETE FROM objects WHERE id = ?1", &storage->remove },
		{ "UPDATE state SET value = ?1 WHERE name = 'version'", &storage->version },
	};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		int result = sqlite3_prepare_v3(storage->db, statements[i].sql, -1,
						SQLITE_PREPARE_PERSISTENT, statements[i].statement,
						NULL);

		if (result != SQLITE_OK) {
			return storage_failed(storage, result, "preparing a statement", reterr);
		}
	}
	storage->hooks.arg = storage;
	storage->hooks.put = storage_put;
	storage->hooks.remove = storage_take_out;
	storage->hooks.load = storage_load;
	return 0;
}
