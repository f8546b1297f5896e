/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.k8s.io/v1 Table answers, by which kubectl prints, and metadata-only objects: what a client
 * asks for with Accept: application/json;as=Table;g=meta.k8s.io;v=v1 (also v1beta1), or
 * as=PartialObjectMetadata(List).
 */
#ifndef ASB_APISERVER_TYPES_TABLE_H
#define ASB_APISERVER_TYPES_TABLE_H

#include "apiserver/types/types.h"

/* includeObject= */
enum table_include { TABLE_METADATA, TABLE_NONE, TABLE_OBJECT };

/*
 * A Table without rows: kind, apiVersion ("meta.k8s.io/<version>"), columnDefinitions (none if
 * without_columns: watch events after the first), rows. Its metadata is {}; the caller sets
 * resourceVersion, continue and remainingItemCount of lists. The caller's.
 */
struct json_object *table_create(const struct type *type, const char *version,
				 bool without_columns);
/* The cells of a row hold so many bytes: as many as an event of a watch. */
#define TABLE_CELLS_MAX (8u << 20)
/* Appends the row of an object (borrowed; with TABLE_OBJECT the row shares it). A watch event is a
 * Table of one row; a Status or bookmark object is sent as it is. Returns the steps that it took (see
 * apiserver/schema/effort.h); UINT64_MAX: no row, since its columns ask for more than EFFORT_STEPS_MAX
 * or TABLE_CELLS_MAX. */
uint64_t table_add(struct json_object *table, const struct type *type, struct json_object *object,
		   enum table_include include, int64_t now_ms);

/* {kind: PartialObjectMetadata, apiVersion: meta.k8s.io/<version>, metadata} of an object; metadata
 * is shared. The caller's. */
struct json_object *partial_metadata(struct json_object *object, const char *version);

/* A duration as kubectl words it: 5s, 2m3s, 15m, 3h4m, 3d2h, 2y34d; "<invalid>" for negatives. */
void duration_words(int64_t ms, char ret[32]);

#endif
