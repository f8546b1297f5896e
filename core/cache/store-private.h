/* SPDX-License-Identifier: Apache-2.0 */
/* What core/cache/store.c (writing) and core/cache/store-read.c (reading) share. */
#ifndef ASB_CORE_CACHE_STORE_PRIVATE_H
#define ASB_CORE_CACHE_STORE_PRIVATE_H

#include "base/json-scan.h"
#include "base/map.h"
#include "core/cache/store-index.h"
#include "core/cache/store.h"

#define STORE_INDEXES_MAX 32
#define STORE_SELECTORS_MAX 16

/* One object, in one allocation. */
struct record {
	uint64_t version;
	struct index_entry *entries;
	size_t entry_count;
	uint64_t generation; /* of the list that showed it last */
	bool deleting;       /* removed by us: whatever older events say */
	size_t length;       /* of bytes */
	const char *bytes;   /* trimmed JSON, within text */
	char text[];         /* "ns/name", NUL, bytes, NUL */
};

struct store {
	struct sched *sched;
	const struct asb_kind *kind;
	const char **paths;
	size_t path_count;
	struct json_fields *fields;
	struct index indexes[STORE_INDEXES_MAX];
	uint32_t index_count;
	const char *selector_labels[STORE_SELECTORS_MAX];
	const struct asb_kind *selector_kinds[STORE_SELECTORS_MAX];
	size_t selector_label_count, selector_kind_count;
	bool select_all;
	store_listener listener;
	store_filtered filtered;
	void *listener_arg;

	struct sched_mutex lock;
	struct map records;  /* the rest is guarded by lock */
	uint64_t stream;     /* the version up to which the stream is known */
	uint64_t generation; /* of the latest list */
	uint64_t list_from;  /* stream, when that began */
	bool synced;
	size_t bytes;
};

/* Name, namespace, version and the parts that the cache selector reads, in the text of an object.
 * Spans point into the text. */
struct store_head {
	const char *name, *ns;
	size_t name_length, ns_length;
	uint64_t version;
	struct json_span labels, owners;
};

/*
 * 0, or -EINVAL for text that is no object with a name and a version. Text that the scan doubts is
 * printed again into plain, and *text and *length made to point there.
 */
int store_head(const char **text, size_t *length, struct buf *plain, struct store_head *ret);
/* Whether the cache selector matches the object. */
bool store_wants(const struct store *store, const struct store_head *head);
/* The tree of stored bytes, completed by what is not stored: apiVersion, kind, resourceVersion. */
struct json_object *store_parse(const struct store *store, const char *bytes, size_t length,
				uint64_t version);

#endif
