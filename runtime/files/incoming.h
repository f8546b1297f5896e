/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is being received. Its bytes go to a temporary file in the target directory, without
 * a name where the file system supports that. A rename then puts it in place: a reader sees the old
 * file or the whole new one. The old file is never opened, so that a FIFO does not block, a device
 * is not touched, and another name of the same inode (a hard link) keeps the old bytes.
 */
#ifndef ASB_RUNTIME_FILES_INCOMING_H
#define ASB_RUNTIME_FILES_INCOMING_H

#include <stdint.h>

#include "runtime/files/path.h"

struct incoming {
	struct place place;
	char temporary[32]; /* its name in place.dir, when named */
	bool named;
	int fd; /* of the temporary file; -1: there is none */
};

#define INCOMING_INIT                         \
	{                                     \
		.place = PLACE_INIT, .fd = -1 \
	}

/* Looks up the cleaned path, creates directories on the way and opens the temporary file. 0, -EXDEV
 * outside of the base, or another negative errno with the text of Python's OSError. nonce makes the
 * temporary name unique; it is not secret. */
int incoming_begin(const struct base *base, const char *path, uint64_t nonce, struct incoming *ret,
		   struct error *reterr);
/* Writes all of data. 0 or a negative errno. */
int incoming_write(struct incoming *incoming, const char *data, size_t length,
		   struct error *reterr);
/* Renames the temporary file to its name. It is closed afterwards, also after an error. */
int incoming_land(struct incoming *incoming, struct error *reterr);
/* Removes the temporary file, if there is one. */
void incoming_drop(struct incoming *incoming);

#endif
