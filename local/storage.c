/* SPDX-License-Identifier: Apache-2.0 */
/* The database of local mode: opening with all its checks, the writes of objects, checkpoints. The
 * API's objects call it through struct objects_storage, its main opens and closes it. */
#include "config.h"

#include "local/storage.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x41534231 /* in the file's head: "ASB1" */
#define LAYOUT 1
#define WAL_PAGES 1000          /* 4 MB: then SQLite moves them into the file, and syncs */
#define CACHE_KIB "-512"        /* memory has all objects: pages are only written */
#define RESERVE_BYTES (4 << 20) /* room to delete in when the disk is full: as long as a WAL */
#define JOURNAL_LIMIT "8388608" /* bytes of the WAL kept after a burst */

struct storage {
	struct objects_storage hooks;
	sqlite3 *db;
	sqlite3_stmt *put, *remove, *version;
	int lock;    /* of <directory>/api.lock */
	int reserve; /* <directory>/api.reserve: it takes RESERVE_BYTES, or nothing */
	bool reserved;
};

/* ---- errors ---- */

static int code_of(int result)
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

static int failed(struct storage *storage, int result, const char *what, struct error *reterr)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return error_set(reterr, -ENOSPC,
				 "%s: the disk is full (or the database's limit is met): free some "
				 "space, and try again",
				 what);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(reterr, -EUCLEAN,
				 "%s: the database is damaged (%s): restore api.db from a copy, or "
				 "move it away to begin anew",
				 what, sqlite3_errmsg(storage->db));
	default:
		return error_set(reterr, code_of(result), "%s: %s (SQLite %d, errno %d)", what,
				 sqlite3_errmsg(storage->db), sqlite3_extended_errcode(storage->db),
				 sqlite3_system_errno(storage->db));
	}
}

static int run(struct storage *storage, const char *sql, const char *what, struct error *reterr)
{
	int result = sqlite3_exec(storage->db, sql, NULL, NULL, NULL);

	return result != SQLITE_OK ? failed(storage, result, what, reterr) : 0;
}

/* The one number a query gives; 0 for no row. */
static int number(struct storage *storage, const char *sql, int64_t *ret, struct error *reterr)
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
		       : failed(storage, result, "reading the database", reterr);
}

/* ---- writes ---- */

/* Runs a bound statement that gives no rows. */
static int step(struct storage *storage, sqlite3_stmt *statement, const char *what,
		struct error *reterr)
{
	int result = sqlite3_step(statement), r = 0;

	if (result != SQLITE_DONE) {
		r = failed(storage, result, what, reterr);
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	/* A full disk may have left a transaction open. */
	if (r < 0 && sqlite3_get_autocommit(storage->db) == 0) {
		sqlite3_exec(storage->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

static int put_once(struct storage *storage, const char *kind_id, uint64_t order, uint64_t version,
		    const char *ns, const char *name, const char *text, size_t length,
		    struct error *reterr)
{
	sqlite3_stmt *statement = storage->put;

	sqlite3_bind_int64(statement, 1, (int64_t)order);
	sqlite3_bind_int64(statement, 2, (int64_t)version);
	sqlite3_bind_text(statement, 3, kind_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 4, ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 5, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(statement, 6, text, length, SQLITE_STATIC);
	return step(storage, statement, "writing to the database", reterr);
}

/* ---- a full disk ---- */

/* Takes the reserve's room, unless the disk has none. */
static void take_reserve(struct storage *storage)
{
	if (!storage->reserved && storage->reserve >= 0) {
		storage->reserved = posix_fallocate(storage->reserve, 0, RESERVE_BYTES) == 0;
		if (!storage->reserved) {
			(void)!ftruncate(storage->reserve, 0);
		}
	}
}

/* Gives the reserve away for a deletion, and the WAL's room with it. Whether it is worth another
 * try. */
static bool spend_reserve(struct storage *storage, int r)
{
	if (r != -ENOSPC) {
		return false;
	}
	if (storage->reserved && ftruncate(storage->reserve, 0) == 0) {
		storage->reserved = false;
	}
	(void)storage_checkpoint(storage, NULL);
	return true;
}

/* Without the reserve only what deletions left free is written to: else the next deletion would find
 * no room. */
static bool may_grow(struct storage *storage)
{
	int64_t pages = 0;

	take_reserve(storage);
	return storage->reserved || storage->reserve < 0 ||
	       (number(storage, "PRAGMA freelist_count", &pages, NULL) == 0 && pages > 0);
}

static int put(void *arg, const char *kind_id, uint64_t order, uint64_t version, const char *ns,
	       const char *name, const char *text, size_t length, struct error *reterr)
{
	struct storage *storage = arg;

	if (!may_grow(storage)) {
		return failed(storage, SQLITE_FULL, "writing to the database", reterr);
	}

	int r = put_once(storage, kind_id, order, version, ns, name, text, length, reterr);

	/* What the WAL holds may go into the file, and its room with it. */
	if (r == -ENOSPC && storage_checkpoint(storage, NULL) == 0) {
		r = put_once(storage, kind_id, order, version, ns, name, text, length, reterr);
	}
	return r;
}

/* One transaction of two statements: the counter must know the version of what is gone. */
static int remove_once(struct storage *storage, uint64_t order, uint64_t version,
		       struct error *reterr)
{
	const char *what = "deleting from the database";
	int r = run(storage, "BEGIN IMMEDIATE", what, reterr);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(storage->version, 1, (int64_t)version);
	r = step(storage, storage->version, what, reterr);
	if (r == 0) {
		sqlite3_bind_int64(storage->remove, 1, (int64_t)order);
		r = step(storage, storage->remove, what, reterr);
	}
	if (r == 0) {
		r = run(storage, "COMMIT", what, reterr);
	}
	if (r < 0 && sqlite3_get_autocommit(storage->db) == 0) {
		sqlite3_exec(storage->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

static int take_out(void *arg, uint64_t order, uint64_t version, struct error *reterr)
{
	struct storage *storage = arg;
	int r = remove_once(storage, order, version, reterr);

	return spend_reserve(storage, r) ? remove_once(storage, order, version, reterr) : r;
}

static int load(void *arg, const char *kind_id,
		int (*take)(void *to, uint64_t order, uint64_t version, const char *text,
			    size_t length, struct error *reterr),
		void *to, struct error *reterr)
{
	struct storage *storage = arg;
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(storage->db,
					"SELECT id, version, body FROM objects WHERE kind = ?1 "
					"ORDER BY id",
					-1, &statement, NULL),
	    r = 0;

	if (result == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, kind_id, -1, SQLITE_STATIC);
		while (r == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
			const char *text = sqlite3_column_blob(statement, 2);

			r = take(to, (uint64_t)sqlite3_column_int64(statement, 0),
				 (uint64_t)sqlite3_column_int64(statement, 1),
				 text != NULL ? text : "",
				 (size_t)sqlite3_column_bytes(statement, 2), reterr);
		}
	}
	sqlite3_finalize(statement);
	if (r == 0 && result != SQLITE_DONE) {
		r = failed(storage, result, "reading the database", reterr);
	}
	return r;
}

/* ---- opening ---- */

static int lock_directory(struct storage *storage, const char *directory, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/api.lock", directory);

	storage->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (storage->lock < 0) {
		return error_set(reterr, -errno, "cannot open '%s': %s", path, strerror(errno));
	}
	if (flock(storage->lock, LOCK_EX | LOCK_NB) < 0) {
		return error_set(
			reterr, -EBUSY,
			"another server uses the state in '%s': stop it, or choose another "
			"directory",
			directory);
	}
	return 0;
}

/* Makes the file before SQLite does, so that it never has another mode than 0600: Secrets are in
 * it. The files beside it get the mode of this one. */
static int make_private(const char *path, struct error *reterr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 || fchmod(fd, 0600) < 0 ? -errno : 0;

	if (fd >= 0) {
		close(fd);
	}
	return r < 0 ? error_set(reterr, r, "cannot open '%s': %s", path, strerror(-r)) : 0;
}

/* Makes the tables of a new database, or refuses a foreign one. */
static int check_layout(struct storage *storage, const char *path, struct error *reterr)
{
	int64_t tables = 0, application = 0, layout = 0;
	int r = number(storage, "SELECT count(*) FROM sqlite_schema", &tables, reterr);

	if (r == 0) {
		r = number(storage, "PRAGMA application_id", &application, reterr);
	}
	if (r == 0) {
		r = number(storage, "PRAGMA user_version", &layout, reterr);
	}
	if (r < 0) {
		return r;
	}
	if (tables > 0 && application != APPLICATION) {
		return error_set(reterr, -EPROTO,
				 "'%s' is a database of another program: choose another directory",
				 path);
	}
	if (tables > 0 && layout != LAYOUT) {
		return error_set(reterr, -EPROTO,
				 "'%s' has layout %" PRId64 ", this program knows layout %d: use "
				 "the version that made it, or another directory",
				 path, layout, LAYOUT);
	}
	if (tables > 0) {
		return 0;
	}
	return run(storage,
		   "BEGIN IMMEDIATE;"
		   "CREATE TABLE objects (id INTEGER PRIMARY KEY, version INTEGER NOT NULL,"
		   " kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL);"
		   "CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
		   "INSERT INTO state VALUES ('version', 1), ('order', 0), ('clean', 1);"
		   "PRAGMA application_id = 1095975473;"
		   "PRAGMA user_version = 1;"
		   "COMMIT",
		   "making the tables of a new database", reterr);
}

static int set_pragmas(struct storage *storage, uint32_t page_limit, struct error *reterr)
{
	CLEANUP_FREE char *limit = xprintf("PRAGMA max_page_count = %" PRIu32, page_limit);
	int64_t faults = 0;
	int r = run(storage,
		    "PRAGMA locking_mode = EXCLUSIVE;" /* no shared memory file, fewer calls */
		    "PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = NORMAL;"
		    "PRAGMA cache_size = " CACHE_KIB ";"
		    "PRAGMA journal_size_limit = " JOURNAL_LIMIT ";"
		    "PRAGMA secure_delete = ON;" /* what was a Secret is not left in free pages */
		    "PRAGMA trusted_schema = OFF;",
		    "opening the database", reterr);

	if (r == 0 && page_limit > 0) {
		r = run(storage, limit, "limiting the database", reterr);
	}
	sqlite3_wal_autocheckpoint(storage->db, WAL_PAGES);
	if (r == 0) {
		/* 0 rows of text where all is well: quick_check says "ok". */
		r = number(storage,
			   "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'",
			   &faults, reterr);
	}
	if (r == 0 && faults > 0) {
		r = error_set(
			reterr, -EUCLEAN,
			"the database is damaged: restore api.db from a copy, or move it away "
			"to begin anew");
	}
	return r;
}

/* Where counting goes on, after an unclean end far ahead: what a power cut took may have been told
 * to somebody. */
static int read_counters(struct storage *storage, struct error *reterr)
{
	int64_t version = 0, order = 0, clean = 0;
	int r = number(storage,
		       "SELECT max((SELECT value FROM state WHERE name = 'version'),"
		       " ifnull((SELECT max(version) FROM objects), 0))",
		       &version, reterr);

	if (r == 0) {
		r = number(storage,
			   "SELECT max((SELECT value FROM state WHERE name = 'order'),"
			   " ifnull((SELECT max(id) FROM objects), 0))",
			   &order, reterr);
	}
	if (r == 0) {
		r = number(storage, "SELECT value FROM state WHERE name = 'clean'", &clean, reterr);
	}
	if (r < 0) {
		return r;
	}
	if (version < 1 || version > INT64_MAX / 2 || order < 0) {
		return error_set(reterr, -EUCLEAN,
				 "the database's counters are damaged: restore api.db from a copy, "
				 "or move it away to begin anew");
	}
	storage->hooks.version = (uint64_t)version + (clean == 0 ? STORAGE_VERSION_LEAP : 0);
	storage->hooks.order = (uint64_t)order;
	return 0;
}

static int prepare(struct storage *storage, struct error *reterr)
{
	const struct {
		const char *sql;
		sqlite3_stmt **statement;
	} statements[] = {
		{ "INSERT INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE "
		  "SET version = excluded.version, body = excluded.body",
		  &storage->put },
		{ "DELETE FROM objects WHERE id = ?1", &storage->remove },
		{ "UPDATE state SET value = ?1 WHERE name = 'version'", &storage->version },
	};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		int result = sqlite3_prepare_v3(storage->db, statements[i].sql, -1,
						SQLITE_PREPARE_PERSISTENT, statements[i].statement,
						NULL);

		if (result != SQLITE_OK) {
			return failed(storage, result, "preparing a statement", reterr);
		}
	}
	return 0;
}

static int begin(struct storage *storage, const char *path, uint32_t page_limit,
		 struct error *reterr)
{
	CLEANUP_FREE char *mark = NULL;
	int result = sqlite3_open_v2(path, &storage->db,
				     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	int r = result != SQLITE_OK ? failed(storage, result, "opening the database", reterr) : 0;

	if (r == 0) {
		r = set_pragmas(storage, page_limit, reterr);
	}
	if (r == 0) {
		r = check_layout(storage, path, reterr);
	}
	if (r == 0) {
		r = read_counters(storage, reterr);
	}
	if (r == 0) {
		r = prepare(storage, reterr);
	}
	if (r < 0) {
		return r;
	}
	mark = xprintf("UPDATE state SET value = CASE name WHEN 'version' THEN %" PRIu64
		       " WHEN 'order' THEN %" PRIu64 " ELSE 0 END",
		       storage->hooks.version, storage->hooks.order);
	r = run(storage, mark, "marking the database as used", reterr);
	/* The mark must be on the disk before anything that it is about. */
	return r < 0 ? r : storage_checkpoint(storage, reterr);
}

/* Where it cannot be, a full disk refuses deletions as well. */
static void open_reserve(struct storage *storage, const char *directory)
{
	CLEANUP_FREE char *path = xprintf("%s/api.reserve", directory);

	storage->reserve = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	take_reserve(storage);
}

int storage_open(const char *directory, uint32_t page_limit, struct storage **ret,
		 struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/api.db", directory);
	struct storage *storage = xnew(struct storage);
	int r = lock_directory(storage, directory, reterr);

	if (r == 0) {
		r = make_private(path, reterr);
	}
	if (r == 0) {
		r = begin(storage, path, page_limit, reterr);
		if (r < 0) {
			error_prefix(reterr, "'%.200s'", path);
		}
	}
	if (r < 0) {
		sqlite3_finalize(storage->put);
		sqlite3_finalize(storage->remove);
		sqlite3_finalize(storage->version);
		sqlite3_close(storage->db);
		if (storage->lock >= 0) {
			close(storage->lock);
		}
		free(storage);
		return r;
	}
	open_reserve(storage, directory);
	storage->hooks.arg = storage;
	storage->hooks.put = put;
	storage->hooks.remove = take_out;
	storage->hooks.load = load;
	*ret = storage;
	return 0;
}

const struct objects_storage *storage_hooks(struct storage *storage)
{
	return &storage->hooks;
}

int storage_checkpoint(struct storage *storage, struct error *reterr)
{
	int result = sqlite3_wal_checkpoint_v2(storage->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					       NULL);

	return result != SQLITE_OK ? failed(storage, result, "syncing the database", reterr) : 0;
}

void storage_close(struct storage *storage)
{
	if (storage == NULL) {
		return;
	}
	/* Where the disk is full the end counts as unclean. */
	(void)sqlite3_exec(storage->db, "UPDATE state SET value = 1 WHERE name = 'clean'", NULL,
			   NULL, NULL);
	sqlite3_finalize(storage->put);
	sqlite3_finalize(storage->remove);
	sqlite3_finalize(storage->version);
	sqlite3_close(storage->db);
	if (storage->reserve >= 0) {
		close(storage->reserve);
	}
	close(storage->lock);
	free(storage);
}
