/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the fake runtime, and their file. Called by node/runtime/fake.c. */
#include "config.h"

#include "node/runtime/fake-table.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define FILE_MAX (64u << 20)

static const struct field {
	const char *name;
	size_t offset;
} texts[] = {
	{ "id", offsetof(struct runtime_status, id) },
	{ "podUid", offsetof(struct runtime_status, pod_uid) },
	{ "podNamespace", offsetof(struct runtime_status, pod_ns) },
	{ "podName", offsetof(struct runtime_status, pod_name) },
	{ "name", offsetof(struct runtime_status, name) },
	{ "ip", offsetof(struct runtime_status, ip) },
	{ "handler", offsetof(struct runtime_status, handler) },
	{ "image", offsetof(struct runtime_status, image) },
	{ "imageId", offsetof(struct runtime_status, image_id) },
}, times[] = {
	{ "created", offsetof(struct runtime_status, created_ms) },
	{ "started", offsetof(struct runtime_status, started_ms) },
	{ "finished", offsetof(struct runtime_status, finished_ms) },
};

static char **table_text_at(const struct runtime_status *status, const struct field *field)
{
	return (char **)(void *)((char *)(uintptr_t)status + field->offset);
}

static int64_t *table_time_at(const struct runtime_status *status, const struct field *field)
{
	return (int64_t *)(void *)((char *)(uintptr_t)status + field->offset);
}

static void table_copy_status(struct runtime_status *to, const struct runtime_status *from)
{
	*to = *from;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text = *table_text_at(from, &texts[i]);

		*table_text_at(to, &texts[i]) = text != NULL ? xstrdup(text) : NULL;
	}
}

static void table_free_row(struct fake_row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		free(*table_text_at(&row->status, &texts[i]));
	}
	free(row);
}

/* ---- rows ---- */

static void table_append(struct fake_table *table, struct fake_row *row)
{
	if (table->count == table->size) {
		table->size = table->size > 0 ? 2 * table->size : 64;
		table->rows = xrealloc(table->rows, table->size * sizeof(struct fake_row *));
	}
	row->at = table->count;
	table->rows[table->count++] = row;
	row->next = map_get(&table->pods, row->status.pod_uid);
	map_put(&table->pods, row->status.pod_uid, row);
	map_put(&table->ids, row->status.id, row);
}

struct fake_row *fake_table_add(struct fake_table *table, const char *uid, const char *name,
				uint32_t attempt)
{
	struct fake_row *row = xnew(struct fake_row);
	uint64_t number = ++table->last;

	row->status.id = xprintf("%064llx", (unsigned long long)number);
	row->status.pod_uid = xstrdup(uid);
	row->status.attempt = attempt;
	if (name != NULL) {
		row->status.name = xstrdup(name);
	} else {
		row->status.ip = xprintf("10.88.%u.%u", (unsigned int)(number / 250 % 250),
					 (unsigned int)(number % 250 + 2));
	}
	table_append(table, row);
	return row;
}

struct fake_row *fake_table_find(struct fake_table *table, const char *uid, const char *name,
				 uint32_t attempt)
{
	for (struct fake_row *row = map_get(&table->pods, uid); row != NULL; row = row->next) {
		const struct runtime_status *status = &row->status;

		if (status->attempt == attempt &&
		    (name == NULL ? status->name == NULL : asb_streq(name, status->name))) {
			return row;
		}
	}
	return NULL;
}

struct fake_row *fake_table_by_id(struct fake_table *table, const char *id)
{
	return map_get(&table->ids, id);
}

/* Takes it out of its pod's rows; the map borrows its key from the first of them. */
static void table_leave_pod(struct fake_table *table, struct fake_row *row)
{
	struct fake_row *first = map_get(&table->pods, row->status.pod_uid);

	if (first == row) {
		map_remove(&table->pods, row->status.pod_uid);
		if (row->next != NULL) {
			map_put(&table->pods, row->next->status.pod_uid, row->next);
		}
		return;
	}
	while (first->next != row) {
		first = first->next;
	}
	first->next = row->next;
}

static void table_take_out(struct fake_table *table, struct fake_row *row)
{
	table_leave_pod(table, row);
	map_remove(&table->ids, row->status.id);
	table->rows[row->at] = table->rows[--table->count];
	table->rows[row->at]->at = row->at;
	table_free_row(row);
}

void fake_table_remove(struct fake_table *table, struct fake_row *row)
{
	if (table->fd >= 0) {
		buf_printf(&table->journal, "{\"removed\":\"%s\"}\n", row->status.id);
	}
	table_take_out(table, row);
}

void fake_table_list(const struct fake_table *table, const char *uid, struct runtime_list *ret)
{
	size_t count = 0;

	*ret = (struct runtime_list){ 0 };
	for (const struct fake_row *row = uid != NULL ? map_get(&table->pods, uid) : NULL;
	     row != NULL; row = row->next) {
		count++;
	}
	ret->items = xnew_array(struct runtime_status, (uid != NULL ? count : table->count) + 1);
	for (const struct fake_row *row = uid != NULL ? map_get(&table->pods, uid) : NULL;
	     row != NULL; row = row->next) {
		table_copy_status(&ret->items[ret->count++], &row->status);
	}
	for (size_t i = 0; uid == NULL && i < table->count; i++) {
		table_copy_status(&ret->items[ret->count++], &table->rows[i]->status);
	}
}

/* ---- the file ---- */

static struct json_object *table_row_to_json(const struct fake_row *row)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		asb_set_str(object, texts[i].name, *table_text_at(&row->status, &texts[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		json_object_object_add(
			object, times[i].name,
			json_object_new_int64(*table_time_at(&row->status, &times[i])));
	}
	json_object_object_add(object, "attempt", json_object_new_int64(row->status.attempt));
	json_object_object_add(object, "phase", json_object_new_int((int)row->status.phase));
	json_object_object_add(object, "exitCode", json_object_new_int(row->status.exit_code));
	return object;
}

/* A line of the journal: a row, or the end of one. */
static void table_take_line(struct fake_table *table, struct json_object *object)
{
	const char *removed = asb_str(object, "removed"), *id = asb_str(object, "id");
	const char *known = removed != NULL ? removed : id;
	struct fake_row *old = known != NULL ? map_get(&table->ids, known) : NULL;
	struct fake_row *row = xnew(struct fake_row);
	uint64_t last = (uint64_t)asb_int(asb_at(object, "last"), 0);

	table->last = last > table->last ? last : table->last;
	if (old != NULL) {
		table_take_out(table, old);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = asb_str(object, texts[i].name);

		*table_text_at(&row->status, &texts[i]) = text != NULL ? xstrdup(text) : NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		*table_time_at(&row->status, &times[i]) = asb_int(asb_at(object, times[i].name), 0);
	}
	row->status.attempt = (uint32_t)asb_int(asb_at(object, "attempt"), 0);
	row->status.phase = (enum runtime_phase)asb_int(asb_at(object, "phase"), RUNTIME_EXITED);
	row->status.exit_code = (int)asb_int(asb_at(object, "exitCode"), 0);
	if (row->status.id == NULL || row->status.pod_uid == NULL || row->status.pod_ns == NULL ||
	    row->status.pod_name == NULL) {
		table_free_row(row);
		return;
	}
	table_append(table, row);
}

void fake_table_touch(struct fake_table *table, const struct fake_row *row)
{
	CLEANUP_JSON struct json_object *object = NULL;

	if (table->fd >= 0) {
		object = table_row_to_json(row);
		/* No number is given twice, whenever the node is killed. */
		json_object_object_add(object, "last", json_object_new_int64((int64_t)table->last));
		json_print(object, &table->journal);
		buf_append_char(&table->journal, '\n');
	}
}

int fake_table_save(struct fake_table *table, struct error *reterr)
{
	int code = 0;

	if (table->fd >= 0 && table->journal.length > 0) {
		code = file_write_all(table->fd, buf_str(&table->journal), table->journal.length);
		buf_finish(&table->journal);
		table->journal.ceiling = FILE_MAX;
	}
	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write '%s': %s", table->file,
				     strerror(-code));
}

/* Writes the whole file again; it stays open for the changes. */
static int table_rewrite(struct fake_table *table, struct error *reterr)
{
	CLEANUP_FREE char *fresh = xprintf("%s.new", table->file);
	int code;

	table->fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (table->fd < 0) {
		code = -errno;
		return error_set(reterr, code, "cannot write '%s': %s", fresh, strerror(-code));
	}
	buf_printf(&table->journal, "{\"last\":%llu}\n", (unsigned long long)table->last);
	for (size_t i = 0; i < table->count; i++) {
		fake_table_touch(table, table->rows[i]);
	}
	code = fake_table_save(table, reterr);
	if (code == 0 && rename(fresh, table->file) != 0) {
		code = error_set(reterr, -errno, "cannot rename '%s': %s", fresh, strerror(errno));
	}
	return code;
}

/* What follows the last end of a line was being written when the node was killed. */
static int table_take_lines(struct fake_table *table, const char *text)
{
	for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		CLEANUP_JSON struct json_object *object =
			json_parse(line, (size_t)(end - line), NULL);

		if (object == NULL) {
			return -EINVAL;
		}
		table_take_line(table, object);
	}
	return 0;
}

int fake_table_load(struct fake_table *table, const char *file, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
	int code;

	*table = (struct fake_table){ .file = file != NULL ? xstrdup(file) : NULL,
				      .journal = BUF_INIT(FILE_MAX),
				      .fd = -1 };
	if (file == NULL) {
		return 0;
	}
	code = file_read(file, &text);
	if (code == 0) {
		code = table_take_lines(table, buf_str(&text));
	}
	if (code < 0 && code != -ENOENT) {
		return error_set(reterr, -EINVAL, "cannot read the fake runtime's table '%s'",
				 file);
	}
	return table_rewrite(table, reterr);
}

void fake_table_finish(struct fake_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		table_free_row(table->rows[i]);
	}
	free(table->rows);
	free(table->file);
	map_finish(&table->pods);
	map_finish(&table->ids);
	buf_finish(&table->journal);
	if (table->fd >= 0) {
		close(table->fd);
	}
}
