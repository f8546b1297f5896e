/* SPDX-License-Identifier: Apache-2.0 */
/* Objects, lists and events in the representation a client asked for: whole, as Table rows, as metadata
 * alone. Reads and writes end in it, watches print their events with it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/types/table.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#define ROWS_AT_ONCE 64u              /* Table rows made in one holding of the lock */
#define ROWS_BYTES_AT_ONCE (1u << 20) /* of their objects: a tree takes many times its text */

static struct json_object *print_parse_state(const struct asb_kind *kind,
					     const struct objects_state *state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(API_ANSWER_MAX);

	if (request_text(kind, state, &text) < 0) {
		return NULL;
	}
	return json_parse(buf_str(&text), text.length, NULL);
}

static enum table_include print_include_of(const struct api_call *call)
{
	const char *text = call_query(call, "includeObject");

	if (text != NULL && strcmp(text, "None") == 0) {
		return TABLE_NONE;
	}
	return text != NULL && strcmp(text, "Object") == 0 ? TABLE_OBJECT : TABLE_METADATA;
}

/* ---- one object ---- */

static struct json_object *print_table_of(struct api *api, const struct asb_kind *kind,
					  const char *version, bool columns,
					  enum table_include include, struct json_object *object)
{
	LOCKED(&api->lock);
	const struct type *type = types_find(api->types, kind->group, kind->version, kind->plural);

	if (type == NULL) {
		return NULL;
	}

	struct json_object *table = table_create(type, version, !columns);

	table_add(table, type, object, include, sched_wall_us(api->sched) / 1000);
	return table;
}

static void print_set_version(struct json_object *list, uint64_t version)
{
	struct json_object *metadata = NULL;
	char text[24];

	if (!json_object_object_get_ex(list, "metadata", &metadata) || metadata == NULL) {
		metadata = json_object_new_object();
		json_object_object_add(list, "metadata", metadata);
	}
	snprintf(text, sizeof(text), "%" PRIu64, version);
	json_object_object_add(metadata, "resourceVersion", json_object_new_string(text));
}

void print_object(struct api_call *call, int status, const struct objects_state *state)
{
	struct api_response *response = call->response;

	if (call->representation == REPRESENTATION_OBJECT && !call->pretty) {
		response->status = status;
		response->content_type = call->yaml ? "application/yaml" : "application/json";
		request_text(&call->kind, state, &response->body);
		buf_append_char(&response->body, '\n');
		return;
	}

	CLEANUP_JSON struct json_object *object = print_parse_state(&call->kind, state);
	struct json_object *result = NULL;

	if (call->representation == REPRESENTATION_TABLE) {
		result = print_table_of(call->api, &call->kind, call->meta_version, true,
					print_include_of(call), object);
		if (result != NULL) {
			print_set_version(result, objects_state_version(state));
		}
	} else if (call->representation == REPRESENTATION_METADATA) {
		result = partial_metadata(object, call->meta_version);
	} else {
		result = json_object_get(object);
	}
	call_response_tree(call, status, result);
}

int print_event(struct api *api, const struct asb_kind *kind, enum representation representation,
		const char *meta_version, bool first, const struct objects_state *state,
		struct buf *out)
{
	if (representation == REPRESENTATION_OBJECT) {
		return request_text(kind, state, out);
	}

	CLEANUP_JSON struct json_object *object = print_parse_state(kind, state);
	CLEANUP_JSON struct json_object *result = NULL;

	if (object != NULL && representation == REPRESENTATION_TABLE) {
		result = print_table_of(api, kind, meta_version, first, TABLE_METADATA, object);
	} else if (object != NULL) {
		result = partial_metadata(object, meta_version);
	}
	return result != NULL ? json_print(result, out) : -1;
}

/* ---- lists ---- */

static void print_metadata(const struct list_page *page, struct buf *out)
{
	buf_printf(out, "\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"", page->version);
	if (page->token[0] != '\0') {
		buf_append_str(out, ",\"continue\":");
		buf_append_json(out, page->token, strlen(page->token));
	}
	if (page->remaining >= 0) {
		buf_printf(out, ",\"remainingItemCount\":%" PRId64, page->remaining);
	}
	buf_append_char(out, '}');
}

static void print_plain_list(struct api_call *call, const struct list_page *page, struct buf *out)
{
	const struct asb_kind *kind = &call->kind;
	bool metadata = call->representation == REPRESENTATION_METADATA;

	if (metadata) {
		buf_printf(
			out,
			"{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/%s\",",
			call->meta_version);
	} else {
		buf_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s%s%s\",", call->list_kind,
			   kind->group, *kind->group != '\0' ? "/" : "", kind->version);
	}
	print_metadata(page, out);
	buf_append_str(out, ",\"items\":[");
	for (size_t i = 0; i < page->count && !out->failed; i++) {
		if (i > 0) {
			buf_append_char(out, ',');
		}
		print_event(call->api, kind, call->representation, call->meta_version, false,
			    page->states[i], out);
	}
	buf_append_str(out, "]}\n");
}

/* Appends a few rows, so that the trees of all objects are never in memory together. The lock is
 * taken because rows need the type. *from is the first object that is left. False: the kind is
 * not served any more. */
static bool print_add_rows(struct api_call *call, const struct list_page *page, size_t *from,
			   enum table_include include, struct buf *out)
{
	struct json_object *objects[ROWS_AT_ONCE];
	CLEANUP_JSON struct json_object *table = NULL;
	size_t count = 0, bytes = 0, first = *from;

	for (; count < ROWS_AT_ONCE && *from < page->count && bytes < ROWS_BYTES_AT_ONCE; count++) {
		size_t length = 0;

		(void)objects_state_text(page->states[*from], &length);
		objects[count] = print_parse_state(&call->kind, page->states[(*from)++]);
		bytes += length;
	}
	{
		LOCKED(&call->api->lock);
		const struct type *type = call_type(call);
		int64_t now_ms = sched_wall_us(call->api->sched) / 1000;

		table = type != NULL ? table_create(type, call->meta_version, true) : NULL;
		for (size_t i = 0; i < count; i++) {
			if (table != NULL) {
				table_add(table, type, objects[i], include, now_ms);
			}
			json_object_put(objects[i]);
		}
	}

	struct json_object *rows = NULL;

	json_object_object_get_ex(table, "rows", &rows);
	for (size_t i = 0; rows != NULL && i < json_object_array_length(rows); i++) {
		buf_append_str(out, first + i > 0 ? "," : "");
		json_print(json_object_array_get_idx(rows, i), out);
	}
	return table != NULL;
}

/* Appends a Table up to its rows. False: the kind is not served any more. */
static bool print_table_head(struct api_call *call, const struct list_page *page, struct buf *out)
{
	CLEANUP_JSON struct json_object *table = NULL;
	struct json_object *metadata = NULL;

	{
		LOCKED(&call->api->lock);
		const struct type *type = call_type(call);

		table = type != NULL ? table_create(type, call->meta_version, false) : NULL;
	}
	if (table == NULL) {
		return false;
	}
	print_set_version(table, page->version);
	json_object_object_get_ex(table, "metadata", &metadata);
	if (page->token[0] != '\0') {
		json_object_object_add(metadata, "continue", json_object_new_string(page->token));
	}
	if (page->remaining >= 0) {
		json_object_object_add(metadata, "remainingItemCount",
				       json_object_new_int64(page->remaining));
	}
	json_object_object_del(table, "rows");
	json_print(table, out);
	buf_cut(out, out->length - 1);
	buf_append_str(out, ",\"rows\":[");
	return true;
}

static bool print_table(struct api_call *call, const struct list_page *page, struct buf *out)
{
	enum table_include include = print_include_of(call);
	size_t from = 0;
	bool served = print_table_head(call, page, out);

	while (served && from < page->count && !out->failed) {
		served = print_add_rows(call, page, &from, include, out);
	}
	buf_append_str(out, "]}\n");
	return served;
}

void print_list(struct api_call *call, const struct list_page *page)
{
	struct buf *body = &call->response->body, text CLEANUP_BUF = BUF_INIT(API_ANSWER_MAX);
	struct buf *out = call->pretty ? &text : body;

	if (call->representation != REPRESENTATION_TABLE) {
		print_plain_list(call, page, out);
	} else if (!print_table(call, page, out)) {
		buf_clear(body);
		call_fail(call, 404, NULL, "the kind is not served any more");
		return;
	}
	utf8_repair(out);
	if (call->pretty) {
		indent_json(buf_str(&text), text.length, body);
		body->failed = body->failed || text.failed;
	}
	call->response->status = 200;
	call->response->content_type = call->yaml ? "application/yaml" : "application/json";
}
