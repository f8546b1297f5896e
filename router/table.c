/* SPDX-License-Identifier: Apache-2.0 */
/* The router's map, in memory and in HAProxy. router/reconcile.c changes it, and router/haproxy.c
 * repairs HAProxy's copy. */
#include "config.h"

#include "router/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "core/observe/log.h"
#include "router/commands.h"

#define FILE_MAX (256u << 20)
/* HAProxy reads a command with its payload into one buffer (tune.bufsize). This fits into the
 * default. */
#define PAYLOAD_MAX 12000u
#define ENTRY_MAX 600u    /* a key of two names of 253 characters, an address */
#define COMMAND_MAX 4096u /* two of them, each with the path of the file */

struct table {
	struct sched *sched;
	char *file, *socket;

	struct sched_mutex
		lock; /* held while a change is sent to HAProxy, so that changes arrive in order */
	struct map entries; /* key -> struct entry */
	struct map owners;  /* address -> the same struct entry */
	bool online;
	bool broken; /* HAProxy's map lacks a change */
	bool stale;  /* the file lacks a change */
	bool lost;   /* HAProxy may still execute an earlier command */
};

struct entry {
	char address[46];
	char since[32];
	char key[];
};

struct table *table_create(struct sched *sched, const char *file, const char *socket)
{
	struct table *table = xnew(struct table);

	table->sched = sched;
	table->file = xstrdup(file);
	table->socket = xstrdup(socket);
	sched_mutex_init(&table->lock, sched);
	return table;
}

void table_destroy(struct table *table)
{
	struct entry *entry;
	size_t at = 0;

	if (table == NULL) {
		return;
	}
	while ((entry = map_next(&table->entries, &at, NULL)) != NULL) {
		free(entry);
	}
	map_finish(&table->owners);
	map_finish(&table->entries);
	sched_mutex_finish(&table->lock);
	free(table->file);
	free(table->socket);
	free(table);
}

size_t table_count(struct table *table)
{
	LOCKED(&table->lock);

	return table->entries.count;
}

/* ---- HAProxy ---- */

/* Records the result of a command to HAProxy. */
static void table_record_result(struct table *table, int code)
{
	table->broken = code < 0;
	table->lost = table->lost || code == -ETIMEDOUT;
}

/* Sends a change to HAProxy. Fills *ret_broke when that failed, so that HAProxy's map lacks it. */
static void table_send_change(struct table *table, const char *key, bool old, const char *address,
			      struct error *ret_broke)
{
	CLEANUP_BUF struct buf text = BUF_INIT(COMMAND_MAX);

	if (!table->online || table->broken) {
		return;
	}
	if (old) {
		buf_printf(&text, "del map %s %s%s", table->file, key, address != NULL ? ";" : "");
	}
	if (address != NULL) {
		buf_printf(&text, "add map %s %s %s", table->file, key, address);
	}
	buf_append_char(&text, '\n');
	table_record_result(table,
			    command_do(table->socket, buf_str(&text), text.length, ret_broke));
}

static void table_remove_entry(struct table *table, struct entry *entry)
{
	if (entry != NULL) {
		map_remove(&table->owners, entry->address);
		map_remove(&table->entries, entry->key);
		free(entry);
	}
}

static void table_add_entry(struct table *table, const char *key, const char *address,
			    const char *since)
{
	struct entry *entry = xalloc(sizeof(*entry) + strlen(key) + 1);

	snprintf(entry->address, sizeof(entry->address), "%s", address);
	snprintf(entry->since, sizeof(entry->since), "%s", since);
	memcpy(entry->key, key, strlen(key) + 1);
	map_put(&table->entries, entry->key, entry);
	map_put(&table->owners, entry->address, entry);
}

/* Changes HAProxy's map, and then this one. */
static void table_change(struct table *table, const char *key, const char *address,
			 const char *since, struct error *ret_broke)
{
	struct entry *old = map_get(&table->entries, key);

	if (old == NULL && address == NULL) {
		return;
	}
	if (old != NULL && address != NULL && strcmp(old->address, address) == 0) {
		snprintf(old->since, sizeof(old->since), "%s", since);
		return;
	}
	table->stale = true;
	table_send_change(table, key, old != NULL, address, ret_broke);
	table_remove_entry(table, old);
	if (address != NULL) {
		table_add_entry(table, key, address, since);
	}
}

static int table_set_locked(struct table *table, const char *key, const char *address,
			    const char *since, struct error *ret_broke)
{
	struct entry *owner;

	LOCKED(&table->lock);
	owner = address != NULL ? map_get(&table->owners, address) : NULL;
	if (owner != NULL && strcmp(owner->key, key) != 0) {
		if (strcmp(owner->since, since) > 0) {
			table_change(table, key, NULL, NULL, ret_broke);
			return -EBUSY;
		}
		table_change(table, owner->key, NULL, NULL, ret_broke);
	}
	table_change(table, key, address, since, ret_broke);
	return 0;
}

int table_set(struct table *table, const char *key, const char *address, const char *since)
{
	struct error broke = { 0 };
	int code = table_set_locked(table, key, address, since, &broke);

	if (broke.text[0] != '\0') {
		log_warning("HAProxy's map lacks a change and is sent again as a whole: %s",
			    broke.text);
	}
	return code;
}

/* ---- the whole map ---- */

static int table_send_part(struct table *table, const char *version, struct buf *payload,
			   struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PAYLOAD_MAX + 2 * ENTRY_MAX + 1024);

	buf_printf(&text, "add map @%s %s <<\n%s\n", version, table->file, buf_str(payload));
	buf_clear(payload);
	return command_do(table->socket, buf_str(&text), text.length, reterr);
}

static int table_send_all(struct table *table, struct error *reterr)
{
	CLEANUP_BUF struct buf payload = BUF_INIT(PAYLOAD_MAX + 2 * ENTRY_MAX);
	char version[24];
	const char *key;
	struct entry *entry;
	size_t at = 0;
	int code = command_prepare(table->socket, "map", table->file, version, reterr);

	while (code == 0 && (entry = map_next(&table->entries, &at, &key)) != NULL) {
		buf_printf(&payload, "%s %s\n", key, entry->address);
		if (payload.length >= PAYLOAD_MAX) {
			code = table_send_part(table, version, &payload, reterr);
		}
	}
	if (code == 0 && payload.length > 0) {
		code = table_send_part(table, version, &payload, reterr);
	}
	return code < 0 ? code : command_commit(table->socket, "map", table->file, version, reterr);
}

/* 1: the whole map was sent. 0: there was nothing to repair. */
static int table_repair_locked(struct table *table, struct error *reterr)
{
	int code;

	LOCKED(&table->lock);
	if (!table->online || !table->broken) {
		return 0;
	}
	code = table_send_all(table, reterr);
	table_record_result(table, code);
	return code < 0 ? code : 1;
}

void table_repair(struct table *table)
{
	struct error error = { 0 };
	int code = table_repair_locked(table, &error);

	if (code < 0) {
		log_warning("HAProxy's map still lacks changes, trying again: %s", error.text);
	} else if (code > 0) {
		log_info("HAProxy's map is complete again");
	}
}

int table_write(struct table *table, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_MAX);
	struct entry *entry;
	const char *key;
	size_t at = 0;
	int code;

	LOCKED(&table->lock);
	while ((entry = map_next(&table->entries, &at, &key)) != NULL) {
		buf_printf(&text, "%s %s\n", key, entry->address);
	}
	if (text.failed) {
		return error_set(reterr, -EFBIG, "%zu entries do not fit into the map file",
				 table->entries.count);
	}
	table->online = false;
	table->stale = false;
	code = file_replace(table->file, buf_str(&text), text.length, 0600, false);
	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write %s: %s", table->file,
				     strerror(-code));
}

void table_online(struct table *table)
{
	LOCKED(&table->lock);

	table->online = true;
	table->broken = table->stale;
	table->lost = false;
}

void table_lose(struct table *table)
{
	LOCKED(&table->lock);

	table->lost = true;
}

bool table_is_lost(struct table *table)
{
	LOCKED(&table->lock);

	return table->lost;
}

void table_offline(struct table *table)
{
	LOCKED(&table->lock);

	table->online = false;
}
