/* SPDX-License-Identifier: Apache-2.0 */
/* The database of local mode: opening with all its checks, checkpoints, closing. The server's main
 * calls it; what writes is in apiserver/storage/storage-write.c. */
#include "config.h"

#include "apiserver/storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apiserver/storage/storage-private.h"
#include "base/memory.h"

#define APPLICATION 0x41534231  /* in the file's head: "ASB1" */
#define LAYOUT 2                /* 1 had no checksums */
#define WAL_PAGES 1000          /* 4 MB: then SQLite moves them into the file, and syncs */
#define CACHE_KIB "-512"        /* memory has all objects: pages are only written */
#define JOURNAL_LIMIT "8388608" /* bytes of the WAL kept after a burst */

static int storage_lock_directory(struct storage *storage, const char *directory,
				  struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/api.lock", directory);

	storage->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (storage->lock < 0) {
		return error_set(reterr, -errno, "cannot open '%s': %s", path, strerror(errno));
	}
	if (flock(storage->lock, LOCK_EX | LOCK_NB) < 0) {
		return error_set(
			reterr, -EBUSY,
			"another server uses the state in '%s': stop it, or choose another directory",
			directory);
	}
	return 0;
}

/* Makes the file before SQLite does, so that it never has another mode than 0600: Secrets are in
 * it. The files beside it get the mode of this one. */
static int storage_make_private(const char *path, struct error *reterr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code = fd < 0 || fchmod(fd, 0600) < 0 ? -errno : 0;

	if (fd >= 0) {
		close(fd);
	}
	return code < 0 ? error_set(reterr, code, "cannot open '%s': %s", path, strerror(-code))
			: 0;
}

/* Makes the tables of a new database, or refuses a foreign one. */
static int storage_check_layout(struct storage *storage, const char *path, struct error *reterr)
{
	int64_t tables = 0, application = 0, layout = 0;
	int code = storage_number(storage, "SELECT count(*) FROM sqlite_schema", &tables, reterr);

	if (code == 0) {
		code = storage_number(storage, "PRAGMA application_id", &application, reterr);
	}
	if (code == 0) {
		code = storage_number(storage, "PRAGMA user_version", &layout, reterr);
	}
	if (code < 0) {
		return code;
	}
	if (tables > 0 && application != APPLICATION) {
		return error_set(reterr, -EPROTO,
				 "'%s' is a database of another program: choose another directory",
				 path);
	}
	if (tables > 0 && layout == 1) {
		return storage_add_sums(storage, reterr);
	}
	if (tables > 0 && layout != LAYOUT) {
		return error_set(
			reterr, -EPROTO,
			"'%s' has layout %" PRId64
			", this program knows layout %d: use the version that made it, or another directory",
			path, layout, LAYOUT);
	}
	if (tables > 0) {
		return 0;
	}
	return storage_run(
		storage,
		"BEGIN IMMEDIATE;CREATE TABLE objects (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, sum INTEGER);CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);INSERT INTO state VALUES ('version', 1), ('order', 0), ('clean', 1);PRAGMA application_id = 1095975473;PRAGMA user_version = 2;COMMIT",
		"making the tables of a new database", reterr);
}

static int storage_set_pragmas(struct storage *storage, uint32_t page_limit, struct error *reterr)
{
	CLEANUP_FREE char *limit = xprintf("PRAGMA max_page_count = %" PRIu32, page_limit);
	int64_t faults = 0;
	int code = storage_run(
		storage,
		"PRAGMA locking_mode = EXCLUSIVE;" /* no shared memory file, fewer calls */
		"PRAGMA journal_mode = WAL;PRAGMA synchronous = NORMAL;PRAGMA cache_size = " CACHE_KIB
		";PRAGMA journal_size_limit = " JOURNAL_LIMIT
		";PRAGMA secure_delete = ON;" /* what was a Secret is not left in free pages */
		"PRAGMA trusted_schema = OFF;",
		"opening the database", reterr);

	if (code == 0 && page_limit > 0) {
		code = storage_run(storage, limit, "limiting the database", reterr);
	}
	sqlite3_wal_autocheckpoint(storage->db, WAL_PAGES);
	if (code == 0) {
		/* 0 rows of text where all is well: quick_check says "ok". */
		code = storage_number(
			storage,
			"SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'",
			&faults, reterr);
	}
	if (code == 0 && faults > 0) {
		code = error_set(
			reterr, -EUCLEAN,
			"the database is damaged: restore api.db from a copy, or move it away to start with an empty database");
	}
	return code;
}

/* Reads the counters. After an unclean end the version continues far ahead, since clients may
 * know versions that a power cut lost. */
static int storage_read_counters(struct storage *storage, struct error *reterr)
{
	int64_t version = 0, order = 0, clean = 0;
	int code = storage_number(
		storage,
		"SELECT max((SELECT value FROM state WHERE name = 'version'), ifnull((SELECT max(version) FROM objects), 0))",
		&version, reterr);

	if (code == 0) {
		code = storage_number(
			storage,
			"SELECT max((SELECT value FROM state WHERE name = 'order'), ifnull((SELECT max(id) FROM objects), 0))",
			&order, reterr);
	}
	if (code == 0) {
		code = storage_number(storage, "SELECT value FROM state WHERE name = 'clean'",
				      &clean, reterr);
	}
	if (code < 0) {
		return code;
	}
	if (version < 1 || version > INT64_MAX / 2 || order < 0) {
		return error_set(
			reterr, -EUCLEAN,
			"the database's counters are damaged: restore api.db from a copy, or move it away to start with an empty database");
	}
	storage->hooks.version = (uint64_t)version + (clean == 0 ? STORAGE_VERSION_LEAP : 0);
	storage->hooks.order = (uint64_t)order;
	return 0;
}

static int storage_begin(struct storage *storage, const char *path, uint32_t page_limit,
			 struct error *reterr)
{
	CLEANUP_FREE char *mark = NULL;
	int result = sqlite3_open_v2(path, &storage->db,
				     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	int code = result != SQLITE_OK
			   ? storage_failed(storage, result, "opening the database", reterr)
			   : 0;

	if (code == 0) {
		code = storage_set_pragmas(storage, page_limit, reterr);
	}
	if (code == 0) {
		code = storage_check_layout(storage, path, reterr);
	}
	if (code == 0) {
		code = storage_check_rows(storage, reterr);
	}
	if (code == 0) {
		code = storage_read_counters(storage, reterr);
	}
	if (code == 0) {
		code = storage_prepare(storage, reterr);
	}
	if (code < 0) {
		return code;
	}
	mark = xprintf("UPDATE state SET value = CASE name WHEN 'version' THEN %" PRIu64
		       " WHEN 'order' THEN %" PRIu64 " ELSE 0 END",
		       storage->hooks.version, storage->hooks.order);
	code = storage_run(storage, mark, "marking the database as used", reterr);
	/* The mark must be on the disk before anything that it is about. */
	return code < 0 ? code : storage_checkpoint(storage, reterr);
}

/* Without the reserve a full disk refuses deletions as well. */
static void storage_open_reserve(struct storage *storage, const char *directory)
{
	CLEANUP_FREE char *path = xprintf("%s/api.reserve", directory);

	storage->reserve = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	storage_take_reserve(storage);
}

int storage_open(const char *directory, uint32_t page_limit, struct storage **ret,
		 struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/api.db", directory);
	struct storage *storage = xnew(struct storage);
	int code = storage_lock_directory(storage, directory, reterr);

	if (code == 0) {
		code = storage_check_files(directory, reterr);
	}
	if (code == 0) {
		code = storage_make_private(path, reterr);
	}
	if (code == 0) {
		code = storage_begin(storage, path, page_limit, reterr);
		if (code < 0) {
			error_prefix(reterr, "'%.200s'", path);
		}
	}
	if (code < 0) {
		sqlite3_finalize(storage->put);
		sqlite3_finalize(storage->remove);
		sqlite3_finalize(storage->version);
		sqlite3_close(storage->db);
		if (storage->lock >= 0) {
			close(storage->lock);
		}
		free(storage);
		return code;
	}
	storage_open_reserve(storage, directory);
	*ret = storage;
	return 0;
}

const struct objects_storage *storage_hooks(struct storage *storage)
{
	return &storage->hooks;
}

void storage_close(struct storage *storage)
{
	if (storage == NULL) {
		return;
	}
	/* If the disk is full, the end counts as unclean. */
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
