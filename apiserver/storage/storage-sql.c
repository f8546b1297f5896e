/* SPDX-License-Identifier: Apache-2.0 */
/* Running SQL, and what SQLite's results mean for the one who runs the server. All parts of the storage
 * call it. */
#include "config.h"

#include <errno.h>

#include "apiserver/storage/storage-private.h"

static int storage_sql_storage_code(int result)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

int storage_failed(struct storage *storage, int result, const char *what, struct error *reterr)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return error_set(
			reterr, -ENOSPC,
			"%s: the disk is full (or the database's limit is met): free some space, and try again",
			what);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(
			reterr, -EUCLEAN,
			"%s: the database is damaged (%s): restore api.db from a copy, or move it away to start with an empty database",
			what, sqlite3_errmsg(storage->db));
	default:
		return error_set(reterr, storage_sql_storage_code(result),
				 "%s: %s (SQLite %d, errno %d)", what, sqlite3_errmsg(storage->db),
				 sqlite3_extended_errcode(storage->db),
				 sqlite3_system_errno(storage->db));
	}
}

int storage_run(struct storage *storage, const char *sql, const char *what, struct error *reterr)
{
	int result = sqlite3_exec(storage->db, sql, NULL, NULL, NULL);

	return result != SQLITE_OK ? storage_failed(storage, result, what, reterr) : 0;
}

int storage_number(struct storage *storage, const char *sql, int64_t *ret, struct error *reterr)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(storage->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK) {
		result = sqlite3_step(statement);
	}
	*ret = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE
		       ? 0
		       : storage_failed(storage, result, "reading the database", reterr);
}

int storage_checkpoint(struct storage *storage, struct error *reterr)
{
	int result = sqlite3_wal_checkpoint_v2(storage->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					       NULL);

	return result != SQLITE_OK ? storage_failed(storage, result, "syncing the database", reterr)
				   : 0;
}
