/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a disk has changed in a database between two runs, and what SQLite would take in silence:
 * a row with other bytes, a write-ahead log with a hole, a file that was cut. Opening calls it. */
#include "config.h"

#include "apiserver/storage/storage-private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"

/* ---- rows ---- */

static uint32_t storage_add_number(uint32_t sum, uint64_t number)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)(number >> 8 * i);
	}
	return (uint32_t)crc32(sum, bytes, sizeof(bytes));
}

/* The NUL is part of it: two texts are not one. */
static uint32_t storage_add_text(uint32_t sum, const char *text)
{
	return (uint32_t)crc32_z(sum, (const unsigned char *)text, strlen(text) + 1);
}

int64_t storage_sum(uint64_t order, uint64_t version, const char *kind_id, const char *ns,
		    const char *name, const void *body, size_t length)
{
	uint32_t sum = storage_add_number(storage_add_number(0, order), version);

	sum = storage_add_text(storage_add_text(storage_add_text(sum, kind_id), ns), name);
	return (uint32_t)crc32_z(sum, body, length);
}

static const char *storage_text_at(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text != NULL ? text : "";
}

static int64_t storage_sum_of(sqlite3_stmt *row)
{
	const void *body = sqlite3_column_blob(row, 5);

	return storage_sum((uint64_t)sqlite3_column_int64(row, 0),
			   (uint64_t)sqlite3_column_int64(row, 1), storage_text_at(row, 2),
			   storage_text_at(row, 3), storage_text_at(row, 4),
			   body != NULL ? body : "", (size_t)sqlite3_column_bytes(row, 5));
}

static int storage_fail_row(sqlite3_stmt *row, struct error *reterr)
{
	return error_set(
		reterr, -EUCLEAN,
		"the row of %.100s %.63s/%.253s is damaged (its checksum differs): restore api.db from a copy, or give this object up with: sqlite3 api.db \"DELETE FROM objects WHERE id = %" PRId64
		"\"",
		storage_text_at(row, 2), storage_text_at(row, 3), storage_text_at(row, 4),
		(int64_t)sqlite3_column_int64(row, 0));
}

int storage_check_rows(struct storage *storage, struct error *reterr)
{
	sqlite3_stmt *row = NULL;
	int code = 0,
	    result = sqlite3_prepare_v2(
		    storage->db,
		    "SELECT id, version, kind, ns, name, body, sum FROM objects ORDER BY id", -1,
		    &row, NULL);

	while (code == 0 && result == SQLITE_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
		result = SQLITE_OK;
		if (sqlite3_column_type(row, 6) != SQLITE_INTEGER ||
		    sqlite3_column_int64(row, 6) != storage_sum_of(row)) {
			code = storage_fail_row(row, reterr);
		}
	}
	if (code == 0 && result != SQLITE_DONE) {
		code = storage_failed(storage, result, "reading the database", reterr);
	}
	sqlite3_finalize(row);
	return code;
}

/* asb_sum(id, version, kind, ns, name, body): for rows of a layout without sums. */
static void storage_sum_function(sqlite3_context *context, int count UNUSED, sqlite3_value **values)
{
	const void *body = sqlite3_value_blob(values[5]);
	const char *texts[3];

	for (int i = 0; i < 3; i++) {
		texts[i] = (const char *)sqlite3_value_text(values[2 + i]);
		texts[i] = texts[i] != NULL ? texts[i] : "";
	}
	sqlite3_result_int64(context,
			     storage_sum((uint64_t)sqlite3_value_int64(values[0]),
					 (uint64_t)sqlite3_value_int64(values[1]), texts[0],
					 texts[1], texts[2], body != NULL ? body : "",
					 (size_t)sqlite3_value_bytes(values[5])));
}

int storage_add_sums(struct storage *storage, struct error *reterr)
{
	int result = sqlite3_create_function(storage->db, "asb_sum", 6,
					     SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
					     storage_sum_function, NULL, NULL);

	if (result != SQLITE_OK) {
		return storage_failed(storage, result, "adding checksums", reterr);
	}
	return storage_run(
		storage,
		"BEGIN IMMEDIATE;ALTER TABLE objects ADD COLUMN sum INTEGER;UPDATE objects SET sum = asb_sum(id, version, kind, ns, name, body);PRAGMA user_version = 2;COMMIT",
		"adding checksums", reterr);
}

/* ---- the write-ahead log (its format: sqlite.org/fileformat2.html) ---- */

#define WAL_HEAD 32u
#define FRAME_HEAD 24u
#define WAL_MAGIC 0x377f0682u /* or 1 more: sums over big-endian words */
#define PAGE_LEAST 512u
#define PAGE_MOST 65536u

struct wal {
	int fd;
	off_t size;
	bool big; /* words of the sums */
	uint32_t page, salts[2], sum[2];
	unsigned char *frame;
};

static uint32_t storage_big_word(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t storage_little_word(const unsigned char *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void storage_add_words(struct wal *wal, const unsigned char *data, size_t length)
{
	for (size_t i = 0; i + 8 <= length; i += 8) {
		wal->sum[0] +=
			(wal->big ? storage_big_word(data + i) : storage_little_word(data + i)) +
			wal->sum[1];
		wal->sum[1] += (wal->big ? storage_big_word(data + i + 4)
					 : storage_little_word(data + i + 4)) +
			       wal->sum[0];
	}
}

static bool wal_begin(struct wal *wal)
{
	unsigned char head[WAL_HEAD];

	if (pread(wal->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    (storage_big_word(head) & ~1u) != WAL_MAGIC) {
		return false;
	}
	wal->big = (storage_big_word(head) & 1) != 0;
	wal->page = storage_big_word(head + 8);
	wal->salts[0] = storage_big_word(head + 16);
	wal->salts[1] = storage_big_word(head + 20);
	storage_add_words(wal, head, 24);
	return wal->page >= PAGE_LEAST && wal->page <= PAGE_MOST &&
	       wal->sum[0] == storage_big_word(head + 24) &&
	       wal->sum[1] == storage_big_word(head + 28);
}

/* Reads the frame there: whether it is of this run of the log; *ret_valid: and follows the last. */
static bool wal_frame(struct wal *wal, off_t at, bool *ret_valid)
{
	size_t length = FRAME_HEAD + wal->page;

	*ret_valid = false;
	if (pread(wal->fd, wal->frame, length, at) != (ssize_t)length ||
	    storage_big_word(wal->frame + 8) != wal->salts[0] ||
	    storage_big_word(wal->frame + 12) != wal->salts[1]) {
		return false;
	}
	storage_add_words(wal, wal->frame, 8);
	storage_add_words(wal, wal->frame + FRAME_HEAD, wal->page);
	*ret_valid = wal->sum[0] == storage_big_word(wal->frame + 16) &&
		     wal->sum[1] == storage_big_word(wal->frame + 20);
	return true;
}

/* How many bytes of the log follow one another from its beginning, and whether frames of the same
 * run are behind that: one that was being written when a server was killed is the last. */
static off_t wal_good(struct wal *wal, bool *ret_more)
{
	off_t length = (off_t)(FRAME_HEAD + wal->page), good = WAL_HEAD, at;
	bool valid = true, same = true;

	while (good + length <= wal->size && valid) {
		same = wal_frame(wal, good, &valid);
		good += valid ? length : 0;
	}
	/* A whole frame at the end of the file was written as a whole. */
	*ret_more = !valid && same && good + length == wal->size;
	for (at = good + length; !valid && !*ret_more && at + length <= wal->size; at += length) {
		*ret_more = wal_frame(wal, at, &valid);
		valid = false;
	}
	return good;
}

static int wal_check(struct wal *wal, const char *path, struct error *reterr)
{
	bool more = false;

	if (!wal_begin(wal)) {
		return error_set(
			reterr, -EUCLEAN,
			"'%s' is damaged at its beginning: what was written since the last checkpoint would be lost. Restore it with api.db from a copy, or remove it to go on without that",
			path);
	}
	wal->frame = xalloc(FRAME_HEAD + wal->page);

	off_t good = wal_good(wal, &more);

	if (more) {
		return error_set(
			reterr, -EUCLEAN,
			"'%s' is damaged at byte %lld of %lld: what was written after that would be lost. Restore it with api.db from a copy, or go on without that: truncate -s %lld '%s'",
			path, (long long)good, (long long)wal->size, (long long)good, path);
	}
	return 0;
}

int storage_check_files(const char *directory, struct error *reterr)
{
	CLEANUP_FREE char *db = xprintf("%s/api.db", directory);
	CLEANUP_FREE char *log = xprintf("%s/api.db-wal", directory);
	CLEANUP_FREE char *reserve = xprintf("%s/api.reserve", directory);
	struct stat db_info = { 0 }, log_info = { 0 }, reserve_info;
	bool has_db = stat(db, &db_info) == 0, has_log = stat(log, &log_info) == 0;
	struct wal wal = { .size = log_info.st_size };
	int code;

	/* The reserve is made last: a database was whole once. */
	if (stat(reserve, &reserve_info) == 0 && db_info.st_size == 0 &&
	    (has_db || log_info.st_size > 0)) {
		return error_set(
			reterr, -EUCLEAN,
			"'%s' is %s, which it was not: restore it from a copy, or remove it and api.db-wal to start with an empty database",
			db, has_db ? "empty" : "gone");
	}
	if (!has_log || wal.size == 0 || db_info.st_size == 0) {
		return 0;
	}
	wal.fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (wal.fd < 0) {
		return error_set(reterr, -errno, "cannot open '%s': %s", log, strerror(errno));
	}
	/* A server was killed while it wrote the first bytes. */
	code = wal.size > WAL_HEAD ? wal_check(&wal, log, reterr) : 0;
	free(wal.frame);
	close(wal.fd);
	return code;
}
