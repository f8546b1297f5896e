/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/cache/store.h about the keep rule: what is stored, and that strangers wake by name. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/cache/store.h"
#include "tests/unit/core/core-fixture.h"

#define OURS ",'labels':{'ours':'x'}"
#define OWNED(version, kind, controller)                                                \
	",'ownerReferences':[{'apiVersion':'" version "','kind':'" kind "','name':'o'," \
	"'uid':'1'" controller "}]"

static const struct asb_kind sandboxes = { "agents.x-k8s.io", "v1alpha1", "sandboxes", "Sandbox" };
static const struct asb_kind nodes = { "", "v1", "nodes", "Node" };

static void set_up(struct store_world *world)
{
	store_world_init(world);
	store_select_label(world->store, "ours");
	store_select_controlled(world->store, &sandboxes);
	store_select_controlled(world->store, &nodes);
	store_seal(world->store);
}

static void an_object_with_a_kept_label_is_stored(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OURS, "");
	stream_shows(&world, "b", 6, ",'labels':{'app':'y','ours':''}", "");
	expect_wakes(&world, "+a +b");
	assert_int_equal(store_size(world.store), 2);
	store_world_finish(&world);
}

static void strangers_wake_by_name_and_are_not_stored(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, "", "");
	stream_shows(&world, "b", 6, ",'labels':{'hours':'x','our':'y'}", "");
	stream_shows(&world, "c", 7, ",'labels':null", "");
	stream_shows(&world, "d", 8, ",'annotations':{'ours':'x'}", "");
	expect_wakes(&world, "?a ?b ?c ?d");
	stream_deletes(&world, "a", 9);
	expect_wakes(&world, "?a");
	assert_int_equal(store_size(world.store), 0);
	assert_int_equal(store_bytes(world.store), 0);
	assert_int_equal(store_version(world.store), 9);
	store_world_finish(&world);
}

static void an_object_whose_controller_is_of_a_kept_kind_is_stored(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5,
		     OWNED("agents.x-k8s.io/v1alpha1", "Sandbox", ",'controller':true"), "");
	stream_shows(&world, "b", 6, OWNED("agents.x-k8s.io/v9", "Sandbox", ",'controller':true"),
		     "");
	stream_shows(&world, "c", 7, OWNED("v1", "Node", ",'controller':true"), "");
	expect_wakes(&world, "+a +b +c");
	store_world_finish(&world);
}

static void other_owners_do_not_count(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OWNED("agents.x-k8s.io/v1alpha1", "Sandbox", ""), "");
	stream_shows(&world, "b", 6,
		     OWNED("agents.x-k8s.io/v1alpha1", "Sandbox", ",'controller':false"), "");
	stream_shows(&world, "c", 7, OWNED("agents.x-k8s.iox/v1", "Sandbox", ",'controller':true"),
		     "");
	stream_shows(&world, "d", 8, OWNED("x/v1", "Sandbox", ",'controller':true"), "");
	stream_shows(&world, "e", 9, OWNED("x/v1", "Node", ",'controller':true"), "");
	stream_shows(&world, "f", 10, ",'ownerReferences':{}", "");
	expect_wakes(&world, "?a ?b ?c ?d ?e ?f");
	store_world_finish(&world);
}

static void an_object_that_stops_being_ours_goes(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OURS, "");
	stream_shows(&world, "a", 6, "", "");
	expect_wakes(&world, "+a -a ?a");
	assert_false(store_has(world.store, "n", "a"));
	stream_shows(&world, "a", 7, OURS, "");
	expect_wakes(&world, "+a");
	store_world_finish(&world);
}

static void an_answer_that_is_not_ours_any_more_takes_it_away(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OURS, "");
	response_is(&world, "a", 6, "", "");
	expect_wakes(&world, "+a -a ?a");
	store_world_finish(&world);
}

static void old_news_of_a_stranger_count_nothing(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OURS, "");
	store_bookmark(world.store, 9);
	expect_wakes(&world, "+a");
	response_is(&world, "a", 8, "", "");
	response_is(&world, "b", 8, "", "");
	stream_shows(&world, "a", 7, "", "");
	expect_wakes(&world, "");
	assert_true(store_has(world.store, "n", "a"));
	store_world_finish(&world);
}

static void a_list_turns_strangers_away_too(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, OURS, "");
	expect_wakes(&world, "+a");
	store_replace_begin(world.store);
	list_shows(&world, "a", 7, "", "");
	list_shows(&world, "b", 8, "", "");
	list_shows(&world, "c", 9, OURS, "");
	store_replace_end(world.store, 10);
	expect_wakes(&world, "-a ?a ?b +c!");
	store_world_finish(&world);
}

static void labels_in_doubt_are_kept(void **state)
{
	struct store_world world;

	(void)state;
	set_up(&world);
	stream_shows(&world, "a", 5, ",'labels':{'\\u006furs':'x'}", "");
	expect_wakes(&world, "+a");
	store_world_finish(&world);
}

static void keeping_all_keeps_all(void **state)
{
	struct store_world world;

	(void)state;
	store_world_init(&world);
	store_select_label(world.store, "ours");
	store_select_all(world.store);
	store_seal(world.store);
	stream_shows(&world, "a", 5, "", "");
	expect_wakes(&world, "+a");
	store_world_finish(&world);
}

static void more_rules_than_it_can_look_for_keep_all(void **state)
{
	static char labels[40][8];

	(void)state;
	for (int kinds = 0; kinds < 2; kinds++) {
		struct store_world world;

		store_world_init(&world);
		for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
			snprintf(labels[i], sizeof(labels[i]), "l%zu", i);
			if (kinds == 1) {
				store_select_controlled(world.store, &sandboxes);
			} else {
				store_select_label(world.store, labels[i]);
			}
		}
		store_seal(world.store);
		stream_shows(&world, "a", 5, "", "");
		expect_wakes(&world, "+a");
		store_world_finish(&world);
	}
}

static void one_label_of_many_plugins_is_one_rule(void **state)
{
	struct store_world world;

	(void)state;
	store_world_init(&world);
	for (int i = 0; i < 40; i++) {
		store_select_label(world.store, "ours");
	}
	store_seal(world.store);
	stream_shows(&world, "a", 5, "", "");
	expect_wakes(&world, "?a");
	store_world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_with_a_kept_label_is_stored),
		cmocka_unit_test(strangers_wake_by_name_and_are_not_stored),
		cmocka_unit_test(an_object_whose_controller_is_of_a_kept_kind_is_stored),
		cmocka_unit_test(other_owners_do_not_count),
		cmocka_unit_test(an_object_that_stops_being_ours_goes),
		cmocka_unit_test(an_answer_that_is_not_ours_any_more_takes_it_away),
		cmocka_unit_test(old_news_of_a_stranger_count_nothing),
		cmocka_unit_test(a_list_turns_strangers_away_too),
		cmocka_unit_test(labels_in_doubt_are_kept),
		cmocka_unit_test(keeping_all_keeps_all),
		cmocka_unit_test(more_rules_than_it_can_look_for_keep_all),
		cmocka_unit_test(one_label_of_many_plugins_is_one_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
