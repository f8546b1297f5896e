/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What claim-load sends: a chain of requests for each of many items. A path or body names what differs: @0@ to @9@ are the item's
 * words, @uid0@ to @uid9@ the metadata.uid in the response to that step of the chain.
 */
#ifndef ASB_BENCH_LOAD_SCRIPT_H
#define ASB_BENCH_LOAD_SCRIPT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define LOAD_STEPS_MAX 10
#define LOAD_UID_SIZE 64

struct load_step {
	const char *method, *path, *content_type,
		*body; /* body NULL: none; all borrowed from the script */
};

struct load_script {
	struct json_object *tree;
	struct json_object *items; /* in tree: arrays of strings */
	struct load_step steps[LOAD_STEPS_MAX];
	size_t step_count, item_count;
	char **bodies; /* printed once */
};

/* {"steps": [{"method", "path", "contentType", "body"}], "items": [["word", ...], ...]} */
int load_script_read(const char *file, struct load_script *ret, struct error *reterr);
void load_script_finish(struct load_script *script);
/* The item's first word: its name. */
const char *load_script_name(const struct load_script *script, size_t item);
/* text with the item's words and the chain's UIDs in their places. Any thread. */
void load_script_expand(const struct load_script *script, size_t item, char (*uids)[LOAD_UID_SIZE],
			const char *text, struct buf *out);

#endif
