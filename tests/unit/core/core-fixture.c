/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as text and a store that tells what it told. Used by the tests of core's store and
 * reflector. */
#include "config.h"

#include "tests/unit/core/core-fixture.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"

const struct asb_kind pods_kind = { "", "v1", "pods", "Pod" };

static void turn_quotes(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			*text = '"';
		}
	}
}

char *json_text(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0) {
		abort();
	}
	va_end(args);
	turn_quotes(text);
	return text;
}

char *object_text(const char *name, uint64_t version, const char *metadata, const char *rest)
{
	CLEANUP_FREE char *uid =
		strstr(metadata, "'uid'") == NULL ? xprintf(",'uid':'u-%s'", name) : xstrdup("");

	return json_text(
		"{'kind':'Pod','apiVersion':'v1','metadata':{'name':'%s','namespace':'n'%s,'resourceVersion':'%llu'%s}%s}",
		name, uid, (unsigned long long)version, metadata, rest);
}

static void append_wake(struct store_world *world, const char *sign, const char *ns,
			const char *name, bool initial)
{
	buf_printf(&world->wakes, "%s%s%s%s%s%s", world->wakes.length > 0 ? " " : "", sign,
		   strcmp(ns, "n") != 0 ? ns : "", strcmp(ns, "n") != 0 ? "/" : "", name,
		   initial ? "!" : "");
}

static void on_change(void *arg, struct store_change *change)
{
	struct json_object *before = store_change_before(change),
			   *after = store_change_after(change);

	assert_true(before != NULL || after != NULL);
	assert_true(before == NULL || asb_streq(asb_name(before), change->name));
	assert_true(after == NULL || asb_streq(asb_name(after), change->name));
	append_wake(arg,
		    before == NULL  ? "+"
		    : after == NULL ? "-"
				    : "~",
		    change->ns, change->name, change->initial);
}

static void on_filtered(void *arg, const char *ns, const char *name)
{
	append_wake(arg, "?", ns, name, false);
}

void store_world_init(struct store_world *world)
{
	static const char *const fields[] = { "status.phase", NULL };

	*world = (struct store_world){ .sched = sched_create_simulation(1,
									INT64_C(1700000000000000)),
				       .wakes = BUF_INIT(1u << 20) };
	world->store = store_create(world->sched, &pods_kind);
	store_add_fields(world->store, fields);
	store_listen(world->store, on_change, on_filtered, world);
}

void store_world_finish(struct store_world *world)
{
	store_destroy(world->store);
	buf_finish(&world->wakes);
	sched_destroy(world->sched);
}

void expect_wakes(struct store_world *world, const char *wakes)
{
	assert_string_equal(buf_str(&world->wakes), wakes);
	buf_clear(&world->wakes);
}

void stream_shows(struct store_world *world, const char *name, uint64_t version,
		  const char *metadata, const char *rest)
{
	CLEANUP_FREE char *text = object_text(name, version, metadata, rest);
	uint64_t seen = 0;

	assert_int_equal(store_event(world->store, STORE_MODIFIED, text, strlen(text), &seen), 0);
	assert_int_equal(seen, version);
}

void stream_deletes(struct store_world *world, const char *name, uint64_t version)
{
	CLEANUP_FREE char *text = object_text(name, version, "", "");

	assert_int_equal(store_event(world->store, STORE_DELETED, text, strlen(text), NULL), 0);
}

void list_shows(struct store_world *world, const char *name, uint64_t version, const char *metadata,
		const char *rest)
{
	CLEANUP_FREE char *text = object_text(name, version, metadata, rest);

	assert_int_equal(store_replace_item(world->store, text, strlen(text)), 0);
}

void response_is(struct store_world *world, const char *name, uint64_t version,
		 const char *metadata, const char *rest)
{
	CLEANUP_FREE char *text = object_text(name, version, metadata, rest);

	assert_int_equal(store_response(world->store, text, strlen(text), NULL), 0);
}

void list_is(struct store_world *world, const char *objects, uint64_t version)
{
	store_replace_begin(world->store);
	while (*objects != '\0') {
		unsigned long long at = 0;
		char name[64];
		int taken = 0;

		assert_int_equal(sscanf(objects, "%63[^@]@%llu%n", name, &at, &taken), 2);
		list_shows(world, name, at, "", PHASE("Running"));
		objects += taken;
		objects += *objects == ' ' ? 1 : 0;
	}
	store_replace_end(world->store, version);
}

const char *phase_of(struct store_world *world, const char *name, char ret[64])
{
	CLEANUP_JSON struct json_object *object = store_get(world->store, "n", name);
	const char *phase = asb_str(object, "status", "phase");

	snprintf(ret, 64, "%s", phase != NULL ? phase : "");
	return ret;
}

uint64_t version_of(struct store_world *world, const char *name)
{
	CLEANUP_JSON struct json_object *object = store_get(world->store, "n", name);
	const char *version = asb_resource_version(object);
	unsigned long long number = 0;

	assert_true(version == NULL || sscanf(version, "%llu", &number) == 1);
	return number;
}

bool is_deleting(struct store_world *world, const char *name)
{
	CLEANUP_JSON struct json_object *object = store_get(world->store, "n", name);

	assert_non_null(object);
	return asb_deleting(object);
}
