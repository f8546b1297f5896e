/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the fake runtime, and their file. Called by node/fake-runtime.c. */
#include "config.h"

#include "node/fake-table.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

static char **text_at(const struct runtime_status *status, const struct field *field)
{
	return (char **)(void *)((char *)(uintptr_t)status + field->offset);
}

static int64_t *time_at(const struct runtime_status *status, const struct field *field)
{
	return (int64_t *)(void *)((char *)(uintptr_t)status + field->offset);
}

static void copy_status(struct runtime_status *to, const struct runtime_status *from)
{
	*to = *from;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *text = *text_at(from, &texts[i]);

		*text_at(to, &texts[i]) = text != NULL ? xstrdup(text) : NULL;
	}
}

static void free_row(struct fake_row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		free(*text_at(&row->status, &texts[i]));
	}
	free(row);
}

/* ---- rows ---- */

static void append(struct fake_table *table, struct fake_row *row)
{
	if (table->count == table->size) {
		table->size = table->size > 0 ? 2 * table->size : 64;
		table->rows = xrealloc(table->rows, table->size * sizeof(struct fake_row *));
	}
	table->rows[table->count++] = row;
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
	append(table, row);
	return row;
}

struct fake_row *fake_table_find(struct fake_table *table, const char *uid, const char *name,
				 uint32_t attempt)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct runtime_status *status = &table->rows[i]->status;

		if (strcmp(status->pod_uid, uid) == 0 && status->attempt == attempt &&
		    (name == NULL ? status->name == NULL : asb_streq(name, status->name))) {
			return table->rows[i];
		}
	}
	return NULL;
}

struct fake_row *fake_table_by_id(struct fake_table *table, const char *id)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->rows[i]->status.id, id) == 0) {
			return table->rows[i];
		}
	}
	return NULL;
}

void fake_table_remove(struct fake_table *table, struct fake_row *row)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i] == row) {
			table->rows[i] = table->rows[--table->count];
			free_row(row);
			return;
		}
	}
}

void fake_table_list(const struct fake_table *table, const char *uid, struct runtime_list *ret)
{
	*ret = (struct runtime_list){ .items =
					      xnew_array(struct runtime_status, table->count + 1) };
	for (size_t i = 0; i < table->count; i++) {
		if (uid == NULL || strcmp(uid, table->rows[i]->status.pod_uid) == 0) {
			copy_status(&ret->items[ret->count++], &table->rows[i]->status);
		}
	}
}

/* ---- the file ---- */

static struct json_object *row_to_json(const struct fake_row *row)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		asb_set_str(object, texts[i].name, *text_at(&row->status, &texts[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		json_object_object_add(object, times[i].name,
				       json_object_new_int64(*time_at(&row->status, &times[i])));
	}
	json_object_object_add(object, "attempt", json_object_new_int64(row->status.attempt));
	json_object_object_add(object, "phase", json_object_new_int((int)row->status.phase));
	json_object_object_add(object, "exitCode", json_object_new_int(row->status.exit_code));
	return object;
}

static void row_from_json(struct fake_table *table, struct json_object *object)
{
	struct fake_row *row = xnew(struct fake_row);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = asb_str(object, texts[i].name);

		*text_at(&row->status, &texts[i]) = text != NULL ? xstrdup(text) : NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		*time_at(&row->status, &times[i]) = asb_int(asb_at(object, times[i].name), 0);
	}
	row->status.attempt = (uint32_t)asb_int(asb_at(object, "attempt"), 0);
	row->status.phase = (enum runtime_phase)asb_int(asb_at(object, "phase"), RUNTIME_EXITED);
	row->status.exit_code = (int)asb_int(asb_at(object, "exitCode"), 0);
	if (row->status.id == NULL || row->status.pod_uid == NULL || row->status.pod_ns == NULL ||
	    row->status.pod_name == NULL) {
		free_row(row);
		return;
	}
	append(table, row);
}

static int write_whole(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(fd, data, length);

		if (wrote < 0 && errno != EINTR) {
			return -errno;
		}
		data += wrote > 0 ? wrote : 0;
		length -= wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

int fake_table_save(const struct fake_table *table, struct error *reterr)
{
	CLEANUP_JSON struct json_object *all = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
	CLEANUP_FREE char *fresh = NULL;
	int fd, error;

	json_object_object_add(all, "rows", rows);
	if (table->file == NULL) {
		return 0;
	}
	json_object_object_add(all, "last", json_object_new_int64((int64_t)table->last));
	for (size_t i = 0; i < table->count; i++) {
		json_object_array_add(rows, row_to_json(table->rows[i]));
	}
	json_print(all, &text);
	fresh = xprintf("%s.new", table->file);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	error = fd >= 0 ? write_whole(fd, buf_str(&text), text.length) : -errno;
	if (fd >= 0) {
		close(fd);
	}
	if (error == 0 && rename(fresh, table->file) != 0) {
		error = -errno;
	}
	return error == 0 ? 0
			  : error_set(reterr, error, "cannot write '%s': %s", table->file,
				      strerror(-error));
}

static int read_whole(const char *file, struct buf *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char chunk[16384];
	ssize_t got;

	if (fd < 0) {
		return -errno;
	}
	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_append(out, chunk, (size_t)got);
	}
	close(fd);
	return got < 0 || out->failed ? -EIO : 0;
}

int fake_table_load(struct fake_table *table, const char *file, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
	CLEANUP_JSON struct json_object *all = NULL;
	struct json_object *rows;
	int error;

	*table = (struct fake_table){ .file = file != NULL ? xstrdup(file) : NULL };
	if (file == NULL) {
		return 0;
	}
	error = read_whole(file, &text);
	if (error == -ENOENT) {
		return 0;
	}
	all = error == 0 ? json_parse(buf_str(&text), text.length, NULL) : NULL;
	if (all == NULL) {
		return error_set(reterr, -EINVAL, "cannot read the fake runtime's table '%s'",
				 file);
	}
	table->last = (uint64_t)asb_int(asb_at(all, "last"), 0);
	rows = asb_array(all, "rows");
	for (size_t i = 0; i < asb_length(rows); i++) {
		row_from_json(table, json_object_array_get_idx(rows, i));
	}
	return 0;
}

void fake_table_finish(struct fake_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free_row(table->rows[i]);
	}
	free(table->rows);
	free(table->file);
}
