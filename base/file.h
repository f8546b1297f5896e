/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read and replaced as a whole. */
#ifndef ASB_BASE_FILE_H
#define ASB_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends all of a file to out, whose ceiling bounds it. 0, or a negative errno: -EFBIG when it is
 * longer than that.
 */
int file_read(const char *path, struct buf *out);

/* All of it, whatever signals come: 0 or a negative errno, with a part written. */
int file_write_all(int fd, const void *data, size_t length);

/*
 * Makes path a file with that content: written next to it under a hidden name and renamed, so
 * nobody reads half of it and what was there stands until then. One writer of a path at a time.
 * mode is subject to the umask. sync: it is on the disk when this returns. 0 or a negative errno,
 * with nothing left behind.
 */
int file_replace(const char *path, const void *data, size_t length, mode_t mode, bool sync);

/*
 * Replaces a small file (a key, a token) in one step, and waits until it is on the disk. 0, or a
 * negative errno and *reterr, which names the path.
 */
int file_write_private(const char *path, const void *data, size_t length, mode_t mode,
		       struct error *reterr);

/*
 * Makes a directory; one that is there already stays as it is. The directory above it must exist.
 * mode is subject to the umask. 0, or a negative errno and *reterr, which names the path:
 * -ENOTDIR when something else is there.
 */
int file_make_directory(const char *path, mode_t mode, struct error *reterr);

#endif
