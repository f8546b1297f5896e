/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a volume that are changed together: config maps, secrets, tokens. They lie in a
 * directory of their own, ..data is a link to it, and each name in the volume a link through
 * ..data: so swapping ..data changes all of them at once, and a reader sees the old or the new,
 * never a part.
 */
#ifndef ASB_NODE_VOLUMES_PAYLOAD_H
#define ASB_NODE_VOLUMES_PAYLOAD_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define PAYLOAD_MAX (32u << 20) /* bytes of one volume: tens of full config maps */
#define PAYLOAD_FILES_MAX 4096  /* they are looked for one by one */

struct payload_file {
	char *path; /* in the volume, possibly with directories */
	struct buf data;
	mode_t mode;
	int64_t made_s; /* when a token was made, by the file system's clock; 0: now */
};

struct payload {
	struct payload_file *files;
	size_t count;
	size_t bytes;
};

void payload_finish(struct payload *payload);
/* A path of a volume: relative, no part "..", nor one that begins so. -EINVAL. */
int payload_check_path(const char *path, struct error *reterr);
/* Adds a file, taking the bytes over; one of the same path is replaced. */
int payload_add(struct payload *payload, const char *path, struct buf *take_data, mode_t mode,
		int64_t made_s, struct error *reterr);
/* Makes the directory hold this and nothing else; touches nothing when it does. group -1: none. */
int payload_write(int directory, const struct payload *payload, gid_t group, struct error *reterr);

#endif
