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

/* By how much indentation may make a text longer, which is known before it is made: it makes real
 * lists two to four times as long. */
#define PRETTY_FACTOR 8u
#define PRETTY_LEAST (1u << 20)
#define ROW_STEPS 10000u /* more than the columns of a kind in use take for one row of a list */

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

/* The type of a kind, held so that rows are made without the lock; NULL: the kind is not served any more. */
static const struct type *print_hold_type(struct api *api, const struct asb_kind *kind)
{
	LOCKED(&api->lock);
	return type_hold(types_find(api->types, kind->group, kind->version, kind->plural));
}

static void print_release_type(struct api *api, const struct type *type)
{
	LOCKED(&api->lock);
	type_release(type);
}

/* A Table of one row; NULL: the kind is not served any more, or the row is too large. */
static struct json_object *print_table_of(struct api *api, const struct asb_kind *kind,
					  const char *version, bool columns,
					  enum table_include include, struct json_object *object)
{
	const struct type *type = print_hold_type(api, kind);
	struct json_object *table;

	if (type == NULL) {
		return NULL;
	}
	table = table_create(type, version, !columns);
	if (table_add(table, type, object, include, sched_wall_us(api->sched) / 1000) ==
	    UINT64_MAX) {
		json_object_put(TAKE(table));
	}
	print_release_type(api, type);
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

static void print_fail_table(struct api_call *call)
{
	call_fail(
		call, 500, NULL,
		"the table is too large: its columns ask for too many bytes or steps; ask for the objects as they are (kubectl get -o yaml), in pages (limit=)");
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
		if (result == NULL) {
			print_fail_table(call);
			return;
		}
		print_set_version(result, objects_state_version(state));
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

/* False: the call has failed. */
static bool print_plain_list(struct api_call *call, const struct list_page *page, struct buf *out)
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
		if (!call_hold(call, out->length)) {
			return false;
		}
	}
	buf_append_str(out, "]}\n");
	return true;
}

/* Appends one row and frees it, since its tree takes many times its text. Returns the steps that it
 * took. */
static uint64_t print_row(struct api_call *call, const struct type *type,
			  const struct objects_state *state, struct buf *out)
{
	CLEANUP_JSON struct json_object *object = print_parse_state(&call->kind, state);
	CLEANUP_JSON struct json_object *table = table_create(type, call->meta_version, true);
	uint64_t steps = table_add(table, type, object, print_include_of(call),
				   sched_wall_us(call->api->sched) / 1000);
	struct json_object *rows = NULL;

	json_object_object_get_ex(table, "rows", &rows);
	if (steps < UINT64_MAX) {
		json_print(json_object_array_get_idx(rows, 0), out);
	}
	return steps;
}

/* Appends the rows of a page. False: the call has failed. */
static bool print_rows(struct api_call *call, const struct type *type, const struct list_page *page,
		       struct buf *out)
{
	uint64_t left = EFFORT_STEPS_MAX + page->count * ROW_STEPS;

	for (size_t i = 0; i < page->count && !out->failed; i++) {
		uint64_t steps;

		buf_append_str(out, i > 0 ? "," : "");
		steps = print_row(call, type, page->states[i], out);
		if (steps > left) {
			buf_clear(out);
			print_fail_table(call);
			return false;
		}
		if (!call_hold(call, out->length)) {
			return false;
		}
		left -= steps;
	}
	return true;
}

/* Appends a Table up to its rows. */
static void print_table_head(struct api_call *call, const struct type *type,
			     const struct list_page *page, struct buf *out)
{
	CLEANUP_JSON struct json_object *table = table_create(type, call->meta_version, false);
	struct json_object *metadata = NULL;

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
}

/* False: the call has failed. */
static bool print_table(struct api_call *call, const struct list_page *page, struct buf *out)
{
	const struct type *type = print_hold_type(call->api, &call->kind);
	bool whole;

	if (type == NULL) {
		call_fail(call, 404, NULL, "the kind is not served any more");
		return false;
	}
	print_table_head(call, type, page, out);
	whole = print_rows(call, type, page, out);
	if (whole) {
		buf_append_str(out, "]}\n");
	}
	print_release_type(call->api, type);
	return whole;
}

void print_list(struct api_call *call, const struct list_page *page)
{
	struct buf *body = &call->response->body, text CLEANUP_BUF = BUF_INIT(API_ANSWER_MAX);
	struct buf *out = call->pretty ? &text : body;

	if (call->representation == REPRESENTATION_TABLE ? !print_table(call, page, out)
							 : !print_plain_list(call, page, out)) {
		return;
	}
	utf8_repair(out);
	if (call->pretty) {
		size_t most = text.length * PRETTY_FACTOR + PRETTY_LEAST;

		if (!call_hold(call, text.length + most)) {
			return;
		}
		body->ceiling = most < API_ANSWER_MAX ? most : API_ANSWER_MAX;
		indent_json(buf_str(&text), text.length, body);
		body->failed = body->failed || text.failed;
	}
	call->response->status = 200;
	call->response->content_type = call->yaml ? "application/yaml" : "application/json";
}
