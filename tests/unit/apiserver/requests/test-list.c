/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in pages of one version, and watches through a selection. */
#include "config.h"

#include "apiserver/requests/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

static void make(struct store_world *world, const char *name, const char *label)
{
	CLEANUP_FREE char *text = xprintf("metadata: {name: %s, labels: {l: '%s'}}", name, label);

	assert_int_equal(store_create(world, &a_widget, text), 201);
}

static void label(struct store_world *world, const char *name, const char *value)
{
	CLEANUP_FREE char *text = xprintf("metadata: {labels: {l: '%s'}}", value);

	assert_int_equal(store_patch(world, &a_widget, name, PATCH_MERGE, text), 200);
}

/* The names of a page; its token goes to token. */
static int page(struct store_world *world, size_t limit, char token[LIST_TOKEN_MAX],
		char names[256], uint64_t *ret_version, int64_t *ret_remaining)
{
	struct list_page got = { 0 };
	int status =
		list_read(world->objects, &a_widget,
			  &(struct list_options){ .ns = "default", .limit = limit, .token = token },
			  &got, &world->error);

	if (status != 200) {
		return status;
	}
	*names = '\0';
	for (size_t i = 0; i < got.count; i++) {
		CLEANUP_JSON struct json_object *tree =
			json_parse(objects_state_text(got.states[i], NULL),
				   strlen(objects_state_text(got.states[i], NULL)), NULL);

		strncat(names, objects_state_name(got.states[i]), 255 - strlen(names));
		strncat(names, asb_label(tree, "l"), 255 - strlen(names));
		strncat(names, " ", 255 - strlen(names));
	}
	memcpy(token, got.token, LIST_TOKEN_MAX);
	*ret_version = got.version;
	*ret_remaining = got.remaining;
	list_page_finish(&got);
	return 200;
}

static void pages_show_one_version(void **state)
{
	struct store_world *world = *state;
	char token[LIST_TOKEN_MAX] = "", names[256];
	uint64_t first, second;
	int64_t remaining;

	make(world, "b", "1");
	make(world, "d", "1");
	make(world, "a", "1");
	make(world, "c", "1");
	assert_int_equal(page(world, 2, token, names, &first, &remaining), 200);
	assert_string_equal(names, "a1 b1 ");
	assert_int_equal(remaining, 2);
	assert_true(*token != '\0');

	/* What changes now is not seen by the next page. */
	label(world, "c", "2");
	label(world, "c", "3");
	assert_int_equal(store_delete(world, &a_widget, "d"), 200);
	make(world, "d", "again");
	assert_int_equal(store_delete(world, &a_widget, "d"), 200);
	make(world, "bb", "new");
	assert_int_equal(store_delete(world, &a_widget, "b"), 200);
	assert_int_equal(page(world, 2, token, names, &second, &remaining), 200);
	assert_string_equal(names, "c1 d1 ");
	assert_int_equal(second, first);
	assert_string_equal(token, "");
	assert_int_equal(remaining, -1);
	assert_int_equal(page(world, 0, token, names, &second, &remaining), 200);
	assert_string_equal(names, "a1 bbnew c3 ");
}

static void a_token_of_the_compacted_past_has_expired(void **state)
{
	struct store_world *world = *state;
	char token[LIST_TOKEN_MAX] = "", names[256], bad[LIST_TOKEN_MAX] = "no token";
	uint64_t version;
	int64_t remaining;

	make(world, "a", "1");
	make(world, "b", "1");
	assert_int_equal(page(world, 1, token, names, &version, &remaining), 200);
	label(world, "b", "2");
	objects_compact(world->objects, objects_version(world->objects));
	assert_int_equal(page(world, 1, token, names, &version, &remaining), 410);
	assert_string_equal(objects_reason(410, world->error.code), "Expired");
	assert_int_equal(page(world, 1, bad, names, &version, &remaining), 400);
	snprintf(bad, sizeof(bad), "%" PRIu64 ".61", objects_version(world->objects) + 9);
	assert_int_equal(page(world, 1, bad, names, &version, &remaining), 400);
}

static void versions_to_come_and_exact_ones(void **state)
{
	struct store_world *world = *state;
	struct list_page got = { 0 };
	struct list_options options = { .ns = "" };

	make(world, "a", "1");
	options.exact = objects_version(world->objects);
	make(world, "b", "1");
	assert_int_equal(list_read(world->objects, &a_widget, &options, &got, NULL), 200);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.version, options.exact);
	list_page_finish(&got);
	options = (struct list_options){ .ns = "", .at_least = options.exact + 100 };
	assert_int_equal(list_read(world->objects, &a_widget, &options, &got, &world->error), 504);
	objects_compact(world->objects, objects_version(world->objects));
	options = (struct list_options){ .ns = "", .exact = 2 };
	assert_int_equal(list_read(world->objects, &a_widget, &options, &got, &world->error), 410);
}

/* The next event: its type, or -1. */
static int next(struct store_world *world, const struct selector *selector, uint64_t *after,
		char name[64], uint64_t *ret_told)
{
	struct watch_event event = { 0 };
	int r = watch_next(world->objects, &a_widget, "default", selector, *after, &event,
			   &world->error);

	*after = event.version;
	if (r != 1) {
		return -1;
	}

	size_t length = 0;
	const char *text = objects_state_text(event.state, &length);
	CLEANUP_JSON struct json_object *tree = json_parse(text, length, NULL);

	snprintf(name, 64, "%s%s", asb_name(tree), asb_label(tree, "l"));
	*ret_told = 0;
	assert_int_equal(sscanf(asb_resource_version(tree), "%" SCNu64, ret_told), 1);
	assert_int_equal(*ret_told, event.version);
	objects_state_unref(event.state);
	return event.type;
}

static void a_selection_is_entered_and_left(void **state)
{
	struct store_world *world = *state;
	CLEANUP(selector_release) struct selector *selector = NULL;
	uint64_t after = objects_version(world->objects), told;
	char name[64];

	assert_int_equal(selector_create(world->objects, &a_widget, "l=in", NULL, &selector, NULL),
			 0);
	make(world, "a", "in");
	label(world, "a", "out");
	label(world, "a", "far");
	label(world, "a", "in");
	assert_int_equal(store_patch(world, &a_widget, "a", PATCH_MERGE, "spec: {color: x}"), 200);
	assert_int_equal(store_delete(world, &a_widget, "a"), 200);
	make(world, "b", "out");
	assert_int_equal(store_delete(world, &a_widget, "b"), 200);

	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_ADDED);
	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_DELETED);
	assert_string_equal(name, "ain"); /* as it was last selected */
	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_ADDED);
	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_MODIFIED);
	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_DELETED);
	assert_int_equal(next(world, selector, &after, name, &told), -1);
	assert_int_equal(after, objects_version(world->objects));
}

static void a_long_silence_is_walked_in_steps(void **state)
{
	struct store_world *world = *state;
	CLEANUP(selector_release) struct selector *selector = NULL;
	uint64_t after = objects_version(world->objects), told;
	struct watch_event event;
	char name[64];

	assert_int_equal(selector_create(world->objects, &a_widget, "l=in", NULL, &selector, NULL),
			 0);
	make(world, "a", "x");
	for (int i = 0; i < WATCH_STEP + 10; i++) {
		label(world, "a", i % 2 == 0 ? "y" : "z");
	}
	assert_int_equal(watch_next(world->objects, &a_widget, "", selector, after, &event, NULL),
			 0);
	assert_true(event.version > after && event.version < objects_version(world->objects));
	after = event.version;
	label(world, "a", "in");
	assert_int_equal(next(world, selector, &after, name, &told), OBJECTS_ADDED);
}

static void the_history_is_bounded(void **state)
{
	struct store_world *world = *state;
	uint64_t old;

	make(world, "a", "x");
	old = objects_version(world->objects);
	for (int i = 0; i < OBJECTS_HISTORY_CHANGES + 10; i++) {
		label(world, "a", i % 2 == 0 ? "y" : "z");
		if (i % 1000 == 0) {
			request_tick(world->objects);
		}
	}
	request_tick(world->objects);
	assert_true(objects_compacted(world->objects) > old);
	assert_true(objects_version(world->objects) - objects_compacted(world->objects) <=
		    OBJECTS_HISTORY_CHANGES);
	world->now_ms += OBJECTS_HISTORY_MS + 1000;
	request_tick(world->objects);
	assert_int_equal(objects_compacted(world->objects), objects_version(world->objects));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(pages_show_one_version),
		WITH_STORE(a_token_of_the_compacted_past_has_expired),
		WITH_STORE(versions_to_come_and_exact_ones),
		WITH_STORE(a_selection_is_entered_and_left),
		WITH_STORE(a_long_silence_is_walked_in_steps),
		WITH_STORE(the_history_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
