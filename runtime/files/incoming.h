/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is being received. Its bytes go to a temporary file in the directory of its name, one
 * without a name where the system can do that, and it lands by a rename: who reads the name sees
 * the old file or the whole new one. What stands there is never opened, so a FIFO does not block, a
 * device does not notice, and another name of the same inode (a hard link) keeps the old bytes.
 */
#ifndef ASB_RUNTIME_FILES_INCOMING_H
#define ASB_RUNTIME_FILES_INCOMING_H

#include <stdint.h>

#include "runtime/files/path.h"

struct incoming {
	struct place place;
	char temporary[32]; /* its name in place.dir, once it is named */
	bool named;
	int fd; /* -1: nothing is being received */
};

#define INCOMING_INIT                         \
	{                                     \
		.place = PLACE_INIT, .fd = -1 \
	}

/* Finds the cleaned path, makes directories on the way, opens the temporary file. -EXDEV outside of
 * the base; else a negative errno, with its text in the words of Python's OSError. nonce makes the
 * temporary name; it needs to be different from others, not secret. */
int incoming_begin(const struct base *base, const char *path, uint64_t nonce, struct incoming *ret,
		   struct error *reterr);
int incoming_write(struct incoming *incoming, const char *data, size_t length,
		   struct error *reterr);
/* Gives it its name; nothing is being received then, also after an error. */
int incoming_land(struct incoming *incoming, struct error *reterr);
/* Forgets it, and what was written. Harmless when nothing is being received. */
void incoming_drop(struct incoming *incoming);

#endif
