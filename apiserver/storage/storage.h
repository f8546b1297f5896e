/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's objects on disk: one SQLite file, <directory>/api.db (mode 0600), in WAL mode with
 * synchronous=NORMAL. What is acknowledged survives the death of the process, kill -9 too. A power
 * cut may lose the writes since the last checkpoint (at most the WAL: 1000 pages, or 30 s), never
 * the file's consistency; after an unclean end the version counter jumps ahead by
 * STORAGE_VERSION_LEAP, so no version that was ever told is given twice.
 *
 * Each row has a checksum over all of it. Opening looks at all rows, and at the write-ahead log, for
 * what a disk has changed: a row is not served with other bytes than were written, and what SQLite
 * would drop with a damaged log is not dropped in silence.
 *
 * A disk that is full refuses what would grow, and changes nothing; deletions still work, for which
 * <directory>/api.reserve (4 MB) is given up, and taken again when there is room.
 */
#ifndef ASB_APISERVER_STORAGE_STORAGE_H
#define ASB_APISERVER_STORAGE_STORAGE_H

#include "apiserver/objects/objects.h"
#include "base/error.h"

/* More versions than are written between two checkpoints. */
#define STORAGE_VERSION_LEAP 1000000

struct storage;

/*
 * Opens or makes the database and locks the directory. Fails with a sentence that says what to do:
 * -EBUSY another server has the directory, -EPROTO another layout (older or newer, or no database
 * of this program), -EUCLEAN the file, a row or its log is damaged, or an errno. page_limit: most pages of the file,
 * 0 for no limit (a test's disk that is full).
 */
int storage_open(const char *directory, uint32_t page_limit, struct storage **ret,
		 struct error *reterr);
/* Checkpoints, marks the end as clean, unlocks. NULL is fine. */
void storage_close(struct storage *storage);
/* What objects_attach takes; valid as long as the storage. */
const struct objects_storage *storage_hooks(struct storage *storage);
/* Moves the WAL into the file and syncs it: for a timer (30 s). */
int storage_checkpoint(struct storage *storage, struct error *reterr);

#endif
