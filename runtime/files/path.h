/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves paths that clients give, inside one directory: the base.
 *
 * The path of a request is text. It is percent-decoded once (percent_decode) and cleaned (path_clean):
 * leading slashes, "." and ".." are removed by their meaning in a URL, where "a/.." is nothing
 * whatever "a" is. A text that climbs above the base is refused.
 *
 * place_find then looks up the cleaned path. Symbolic links work as long as they stay inside the
 * base, also absolute ones that start with the path of the base; others are -EXDEV. One call of
 * openat2 with RESOLVE_BENEATH does it where the kernel has it. Otherwise, and where that call
 * meets an absolute link or a missing name, the path is walked by hand: each component is opened
 * without following links, links are read as text, and ".." in a link is walked again from the
 * base. So no rename by others, at any moment, can make a path lead outside.
 *
 * The lookup opens nothing for reading or writing (only O_PATH), so that a FIFO does not block and
 * a device is not touched. All functions may be called from any thread.
 */
#ifndef ASB_RUNTIME_FILES_PATH_H
#define ASB_RUNTIME_FILES_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* The longest path that the kernel takes, without the NUL. */
#define PATH_TEXT_MAX ((size_t)PATH_MAX - 1)

struct base {
	int fd;
	char *path;   /* without links, to recognise absolute links into the base */
	bool by_hand; /* without openat2; also set by a test */
};

/* What a path leads to. */
struct place {
	int fd;  /* O_PATH: the file; -1: there is none */
	int dir; /* O_PATH: its directory; -1: not known, or the base itself */
	char name[NAME_MAX + 1];
};

#define PLACE_INIT                  \
	{                           \
		.fd = -1, .dir = -1 \
	}
#define PLACE_MAKE_PARENTS (1u << 0)

int base_open(const char *path, struct base *ret, struct error *reterr);
void base_close(struct base *base);

/* Appends the cleaned path of a decoded text, "" for the base itself. 0, -ENAMETOOLONG, or -EXDEV
 * for a text that leads above the base or holds a NUL. */
int path_clean(const char *text, size_t length, struct buf *buf);

/* Looks up a cleaned path. PLACE_MAKE_PARENTS creates missing directories on the way. 0, also when
 * only the last name is missing (then fd is -1); -EXDEV outside of the base; or another negative
 * errno. */
int place_find(const struct base *base, const char *path, unsigned int flags, struct place *ret);
void place_finish(struct place *place);
/* Opens the file of an O_PATH descriptor with flags, close-on-exec and non-blocking. -errno. */
int path_reopen(int fd, int flags);

#define CLEANUP_PLACE CLEANUP(place_finish)

#endif
