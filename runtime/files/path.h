/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that others name, kept inside one directory, the base.
 *
 * A request's path is text: percent-decoded once (path_decode), then cleaned (path_clean): no
 * leading slash, no "." and no "..", which are taken away by their meaning in a URL, where "a/.."
 * is nothing whatever "a" is. What climbs above the base by its text alone is refused there.
 *
 * A cleaned path is then found (place_find): symbolic links that stay inside the base work, also
 * absolute ones that begin with the base's own path; what leads outside is -EXDEV. Where the kernel
 * has openat2, one call with RESOLVE_BENEATH does it. Else, and where that call meets an absolute
 * link or something that is missing, the path is walked by hand: each component is opened without
 * following links, links are read as text, and ".." in a link is walked again from the base. So no
 * rename of others, at whatever moment, makes a path lead outside.
 *
 * Nothing is opened for reading or writing while it is found (O_PATH): a FIFO does not block and a
 * device does not notice. All functions may be called from any thread.
 */
#ifndef ASB_RUNTIME_FILES_PATH_H
#define ASB_RUNTIME_FILES_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* What the kernel takes as a path, without the NUL. */
#define PATH_TEXT_MAX ((size_t)PATH_MAX - 1)

struct base {
	int fd;
	char *path;   /* real, without links: absolute links into it are known by it */
	bool by_hand; /* no openat2; a test sets it */
};

/* What a path names. */
struct place {
	int fd;  /* O_PATH: what is there; -1: nothing */
	int dir; /* O_PATH: the directory it is in; -1: it is the base itself */
	char name[NAME_MAX + 1];
};

#define PLACE_INIT                  \
	{                           \
		.fd = -1, .dir = -1 \
	}
#define PLACE_MAKE_PARENTS (1u << 0)

int base_open(const char *path, struct base *ret, struct error *reterr);
void base_close(struct base *base);

/* Appends text with its %XX decoded; what is no %XX stays as it is. */
int path_decode(const char *text, size_t length, struct buf *buf);
/* Appends what text (decoded) means below the base, "" for the base itself; 0, -EXDEV above the
 * base or with a NUL in it, -ENAMETOOLONG. */
int path_clean(const char *text, size_t length, struct buf *buf);

/* Finds a cleaned path; with PLACE_MAKE_PARENTS directories on the way are made. 0, also where only
 * the last name is missing (fd is -1 then); -EXDEV outside; any other negative errno. */
int place_find(const struct base *base, const char *path, unsigned int flags, struct place *ret);
void place_finish(struct place *place);
/* Opens what an O_PATH descriptor names, for real; close-on-exec, never blocking. -errno. */
int path_reopen(int fd, int flags);

#define CLEANUP_PLACE CLEANUP(place_finish)

#endif
