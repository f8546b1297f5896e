/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/controller.h and plugin.h: how changes map to keys, and what workers do with
 * them. */
#include "config.h"

#include "core/controller/controller.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/unit/core/controller-fixture.h"
#include "tests/unit/core/core-fixture.h"

#define OWNED(kind, name)                                                                    \
	",'ownerReferences':[{'apiVersion':'example.com/v2','kind':'" kind "','name':'" name \
	"','uid':'1',"                                                                       \
	"'controller':true}]"

/* ---- mapping ---- */

static void an_object_of_the_own_kind_is_its_own_key(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig_put(&rig, WIDGET, "w", 5, "", "");
	expect_keys(&rig, "n/w");
	rig_put(&rig, WIDGET, "w", 6, "", ",'status':{'x':1}");
	expect_keys(&rig, "n/w");
	rig_put(&rig, WIDGET, "w", 7, ",'managedFields':[]", ",'status':{'x':1}");
	expect_keys(&rig, "");
	rig_delete(&rig, WIDGET, "w", 8);
	expect_keys(&rig, "n/w");
	rig_finish(&rig);
}

static void another_kinds_name_is_a_key_only_if_an_object_has_it(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig_put(&rig, SERVICE, "w", 5, "", "");
	expect_keys(&rig, "");
	rig_put(&rig, WIDGET, "w", 6, "", "");
	expect_keys(&rig, "n/w");
	rig_put(&rig, SERVICE, "w", 7, ",'labels':{'x':'y'}", "");
	expect_keys(&rig, "n/w");
	rig_delete(&rig, SERVICE, "w", 8);
	expect_keys(&rig, "n/w");
	rig_finish(&rig);
}

static void a_controller_before_and_after_is_a_key(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig_put(&rig, POD, "p", 5, OWNED("Widget", "a"), "");
	expect_keys(&rig, "n/a");
	rig_put(&rig, POD, "p", 6, OWNED("Widget", "b"), "");
	expect_keys(&rig, "n/a n/b");
	rig_put(&rig, POD, "p", 7, OWNED("Gadget", "c"), "");
	expect_keys(&rig, "n/b");
	rig_put(&rig, POD, "p", 8, "", "");
	expect_keys(&rig, "");
	rig_put(&rig, POD, "p", 9, OWNED("Widget", "a"), "");
	expect_keys(&rig, "n/a");
	rig_delete(&rig, POD, "p", 10);
	expect_keys(&rig, "n/a");
	rig_finish(&rig);
}

static void an_index_gives_all_it_has_under_the_objects_key(void **state)
{
	char name[16], keys[256];
	struct rig rig;

	(void)state;
	rig_init(&rig);
	for (uint64_t i = 0; i < 37; i++) {
		snprintf(name, sizeof(name), "w%02u", (unsigned int)i);
		rig_put(&rig, WIDGET, name, 5 + i, "",
			i < 35 ? ",'spec':{'pod':'n/p'}" : ",'spec':{'pod':'m/p'}");
	}
	rig_take_keys(&rig, keys);
	rig_put(&rig, POD, "p", 50, "", "");
	assert_int_equal(queue_depth(rig.controller->queue), 35);
	rig_take_keys(&rig, keys);
	assert_non_null(strstr(keys, "n/w00"));
	assert_non_null(strstr(keys, "n/w34"));
	assert_null(strstr(keys, "n/w35"));
	rig_finish(&rig);
}

static void map_pairs(struct rig *rig, struct asb_call *call, struct json_object *before,
		      struct json_object *after, struct asb_keys *out)
{
	(void)rig;
	out->add(out, "before", before != NULL ? asb_resource_version(before) : "none");
	out->add(out, "after", after != NULL ? asb_resource_version(after) : "none");
	out->add(out, "after", after != NULL ? asb_resource_version(after) : "none");
	out->add(out, NULL, "x");
	out->add(out, "x", NULL);
	/* It may read. */
	if (call->host->get(call, WIDGET, "n", "w") != NULL) {
		out->add(out, "n", "read");
	}
}

static void a_function_gives_what_it_adds(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.enqueue = map_pairs;
	rig_put(&rig, SERVICE, "s", 5, "", "");
	expect_keys(&rig, "before/none after/5");
	rig_put(&rig, WIDGET, "w", 6, "", "");
	expect_keys(&rig, "n/w");
	rig_put(&rig, SERVICE, "s", 7, ",'labels':{}", "");
	expect_keys(&rig, "before/5 after/7 n/read");
	rig_delete(&rig, SERVICE, "s", 8);
	expect_keys(&rig, "before/7 after/none n/read");
	assert_int_equal(rig.maps, 3);
	rig_finish(&rig);
}

static void what_a_list_shows_goes_behind_what_happens(void **state)
{
	CLEANUP_FREE char *text = object_text("listed", 5, "", "");
	struct rig rig;

	(void)state;
	rig_init(&rig);
	store_replace_begin(rig.stores[WIDGET]);
	assert_int_equal(store_replace_item(rig.stores[WIDGET], text, strlen(text)), 0);
	store_replace_end(rig.stores[WIDGET], 10);
	rig_put(&rig, WIDGET, "fresh", 11, "", "");
	expect_keys(&rig, "n/fresh n/listed");
	rig_finish(&rig);
}

static void what_its_parts_tell_goes_before_what_is_new(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig_put(&rig, WIDGET, "new", 5, "", "");
	rig_put(&rig, POD, "p", 6, OWNED("Widget", "begun"), "");
	expect_keys(&rig, "n/begun n/new");
	rig_finish(&rig);
}

static void a_stranger_wakes_the_object_of_its_name(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig_put(&rig, WIDGET, "w", 5, "", "");
	expect_keys(&rig, "n/w");
	controller_enqueue_filtered(rig.controller, SERVICE, "n", "w");
	expect_keys(&rig, "n/w");
	controller_enqueue_filtered(rig.controller, SERVICE, "n", "x");
	controller_enqueue_filtered(rig.controller, SERVICE, "m", "w");
	controller_enqueue_filtered(rig.controller, POD, "n", "w"); /* does not map by name */
	expect_keys(&rig, "");
	rig_finish(&rig);
}

/* ---- workers ---- */

static void expect_reconciled(struct rig *rig, const char *keys)
{
	LOCKED(&rig->lock);

	assert_string_equal(rig->keys, keys);
	rig->keys[0] = '\0';
}

static int32_t result_of_name(struct rig *rig, struct asb_call *call, const struct asb_key *key,
			      uint64_t *ret_requeue_after_ms)
{
	(void)rig;
	(void)call;
	switch (key->name[0]) {
	case 'a':
		*ret_requeue_after_ms = 7000;
		return ASB_REQUEUE_AFTER;
	case 'r':
		return ASB_ERROR;
	case 't':
		return ASB_TERMINAL_ERROR;
	case '?':
		return 4711;
	default:
		return ASB_DONE;
	}
}

static void done_is_done(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.reconcile = result_of_name;
	rig_put(&rig, WIDGET, "done", 5, "", "");
	rig_put(&rig, WIDGET, "terminal", 6, "", "");
	controller_start(rig.controller);
	script_pass(&rig.script, 3600000000);
	expect_reconciled(&rig, "n/done n/terminal");
	rig_put(&rig, WIDGET, "terminal", 7, ",'labels':{}", "");
	script_pass(&rig.script, 1000);
	expect_reconciled(&rig, "n/terminal"); /* a change may help */
	rig_finish(&rig);
}

static void again_is_again_after_the_time(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.reconcile = result_of_name;
	rig_put(&rig, WIDGET, "again", 5, "", "");
	controller_start(rig.controller);
	script_pass(&rig.script, 1000);
	expect_reconciled(&rig, "n/again");
	script_pass(&rig.script, 6990000);
	expect_reconciled(&rig, "");
	script_pass(&rig.script, 20000);
	expect_reconciled(&rig, "n/again");
	rig_finish(&rig);
}

static void retries_back_off_from_5_ms_doubling(void **state)
{
	static const char *const names[] = { "retry", "?" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *key = xprintf("n/%s", names[i]),
				  *twice = xprintf("%s %s", key, key);
		struct rig rig;

		rig_init(&rig);
		rig.reconcile = result_of_name;
		rig_put(&rig, WIDGET, names[i], 5, "", "");
		controller_start(rig.controller);
		script_pass(&rig.script, 4000); /* at 0 */
		expect_reconciled(&rig, key);
		script_pass(&rig.script, 2000); /* at 5 ms */
		expect_reconciled(&rig, key);
		script_pass(&rig.script, 8000); /* not before 15 ms */
		expect_reconciled(&rig, "");
		script_pass(&rig.script, 22000); /* at 15 and 35 ms */
		expect_reconciled(&rig, twice);
		rig_finish(&rig);
	}
}

static int32_t take_a_while(struct rig *rig, struct asb_call *call, const struct asb_key *key,
			    uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	script_pass(&rig->script, 1000000);
	return ASB_DONE;
}

static void workers_run_different_keys_in_parallel(void **state)
{
	struct rig rig;

	(void)state;
	rig_init_with(&rig, NULL, 3);
	rig.reconcile = take_a_while;
	for (uint64_t i = 0; i < 6; i++) {
		char name[] = { (char)('a' + i), '\0' };

		rig_put(&rig, WIDGET, name, 5 + i, "", "");
	}
	assert_false(controller_started(rig.controller));
	controller_start(rig.controller);
	controller_start(rig.controller);
	assert_true(controller_started(rig.controller));
	script_pass(&rig.script, 10);
	assert_int_equal(rig.running, 3);
	assert_false(controller_idle(rig.controller));
	script_pass(&rig.script, 3000000);
	assert_int_equal(rig.most, 3);
	assert_true(controller_idle(rig.controller));
	rig_finish(&rig);
}

static void one_key_is_never_run_twice_at_a_time(void **state)
{
	struct rig rig;

	(void)state;
	rig_init_with(&rig, NULL, 3);
	rig.reconcile = take_a_while;
	controller_start(rig.controller);
	for (uint64_t i = 0; i < 20; i++) {
		CLEANUP_FREE char *labels = xprintf(",'labels':{'i':'%u'}", (unsigned int)i);

		rig_put(&rig, WIDGET, "w", 5 + i, labels, "");
		script_pass(&rig.script, 100000);
	}
	script_pass(&rig.script, 3000000);
	assert_int_equal(rig.most, 1);
	expect_reconciled(&rig, "n/w n/w n/w");
	rig_finish(&rig);
}

static void it_says_since_when_the_longest_reconcile_runs(void **state)
{
	struct rig rig;

	(void)state;
	rig_init_with(&rig, NULL, 2);
	rig.reconcile = take_a_while;
	controller_start(rig.controller);
	script_pass(&rig.script, 5000);
	assert_int_equal(controller_busy_since_us(rig.controller), 0);
	rig_put(&rig, WIDGET, "a", 5, "", "");
	script_pass(&rig.script, 1000);
	rig_put(&rig, WIDGET, "b", 6, "", "");
	script_pass(&rig.script, 1000);
	assert_int_equal(controller_busy_since_us(rig.controller), 5000);
	script_pass(&rig.script, 998500);
	assert_int_equal(controller_busy_since_us(rig.controller), 6000);
	script_pass(&rig.script, 5000000);
	assert_int_equal(controller_busy_since_us(rig.controller), 0);
	rig_finish(&rig);
}

static void a_shut_controller_ends_what_runs_and_begins_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.reconcile = take_a_while;
	controller_start(rig.controller);
	rig_put(&rig, WIDGET, "a", 5, "", "");
	rig_put(&rig, WIDGET, "b", 6, "", "");
	script_pass(&rig.script, 1000);
	controller_shut(rig.controller);
	controller_join(rig.controller);
	assert_int_equal(rig.running, 0);
	assert_int_equal(sched_now_us(rig.sched), 1000000);
	rig_put(&rig, WIDGET, "c", 7, "", "");
	expect_reconciled(&rig, "n/a");
	assert_int_equal(rig.finis, 0);
	rig_finish(&rig);
}

static int32_t count_in_memory(struct rig *rig, struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	uint64_t *calls = call->host->key_state(call, sizeof(*calls));

	(void)rig;
	(void)key;
	(void)ret_requeue_after_ms;
	(*calls)++;
	LOCKED(&rig->lock);
	size_t length = strlen(rig->keys);

	snprintf(rig->keys + length, sizeof(rig->keys) - length, ":%u", (unsigned int)*calls);
	return ASB_DONE;
}

static void memory_goes_when_the_plugin_has_seen_its_object_gone(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.reconcile = count_in_memory;
	controller_start(rig.controller);
	rig_put(&rig, WIDGET, "w", 5, "", "");
	script_pass(&rig.script, 1000);
	rig_put(&rig, WIDGET, "w", 6, ",'labels':{}", "");
	script_pass(&rig.script, 1000);
	rig_delete(&rig, WIDGET, "w", 7);
	script_pass(&rig.script, 1000);
	rig_put(&rig, WIDGET, "w", 8, "", "");
	script_pass(&rig.script, 1000);
	expect_reconciled(&rig, "n/w:1 n/w:2 n/w:3 n/w:1");
	rig_finish(&rig);
}

static void reconciles_are_counted_by_result(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.reconcile = result_of_name;
	controller_start(rig.controller);
	rig_put(&rig, WIDGET, "again", 5, "", "");
	rig_put(&rig, WIDGET, "retry", 6, "", "");
	rig_put(&rig, WIDGET, "terminal", 7, "", "");
	rig_put(&rig, WIDGET, "done", 8, "", "");
	script_pass(&rig.script, 1000);
	assert_int_equal(metrics_render(rig.metrics, &text), 0);
	assert_non_null(strstr(
		buf_str(&text),
		"controller_runtime_reconcile_total{controller=\"widget\",result=\"success\"} 1\n"));
	assert_non_null(
		strstr(buf_str(&text), "controller=\"widget\",result=\"requeue_after\"} 1\n"));
	assert_non_null(strstr(buf_str(&text), "controller=\"widget\",result=\"error\"} 1\n"));
	assert_non_null(
		strstr(buf_str(&text), "controller=\"widget\",result=\"terminal_error\"} 1\n"));
	assert_non_null(strstr(
		buf_str(&text),
		"controller_runtime_reconcile_time_seconds_count{controller=\"widget\"} 4\n"));
	buf_finish(&text);
	rig_finish(&rig);
}

/* ---- its life ---- */

static void init_and_fini_are_called_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig);
	assert_int_equal(rig.inits, 1);
	assert_int_equal(rig.finis, 0);
	rig_finish(&rig);
	assert_int_equal(rig.finis, 1);
}

static void a_plugin_that_refuses_is_named(void **state)
{
	struct error error = { 0 };
	struct rig rig;

	(void)state;
	rig_init(&rig);
	rig.init_result = -1;
	assert_null(controller_create(&(struct controller_config){ .sched = rig.sched,
								   .plugin = &rig.plugin,
								   .client = rig.client,
								   .reservations = rig.reservations,
								   .workers = 1 },
				      &error));
	assert_non_null(strstr(error.text, "'widget'"));
	assert_non_null(strstr(error.text, "widget.so"));
	assert_int_equal(error.code, -EINVAL);
	rig_finish(&rig);
	assert_int_equal(rig.finis, 1); /* of the one that did not */
}

static void it_waits_until_all_its_kinds_are_listed(void **state)
{
	const struct asb_kind *kind;
	bool absent = true;
	struct rig rig;

	(void)state;
	rig_init(&rig);
	kind = controller_waits_for(rig.controller, &absent);
	assert_string_equal(kind->kind, "Widget");
	assert_false(absent);
	script_response(&rig.script, "pods?watch", 404, "{'kind':'Status'}");
	for (size_t i = 0; i < 2; i++) {
		script_response(
			&rig.script, i == 0 ? "widgets?watch" : "services?watch", 200,
			"{'type':'BOOKMARK','object':{'metadata':{'resourceVersion':'5','annotations':{'k8s.io/initial-events-end':'true'}}}}\n");
	}
	informers_start(rig.informers);
	script_pass(&rig.script, 1000);
	kind = controller_waits_for(rig.controller, &absent);
	assert_string_equal(kind->kind, "Pod");
	assert_true(absent);
	script_response(
		&rig.script, "pods?watch", 200,
		"{'type':'BOOKMARK','object':{'metadata':{'resourceVersion':'5','annotations':{'k8s.io/initial-events-end':'true'}}}}\n");
	script_pass(&rig.script, 3000000);
	assert_null(controller_waits_for(rig.controller, &absent)); /* secrets are not watched */
	rig.script.transport.ops->stop(&rig.script.transport);
	informers_stop(rig.informers);
	rig_finish(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_of_the_own_kind_is_its_own_key),
		cmocka_unit_test(another_kinds_name_is_a_key_only_if_an_object_has_it),
		cmocka_unit_test(a_controller_before_and_after_is_a_key),
		cmocka_unit_test(an_index_gives_all_it_has_under_the_objects_key),
		cmocka_unit_test(a_function_gives_what_it_adds),
		cmocka_unit_test(what_a_list_shows_goes_behind_what_happens),
		cmocka_unit_test(what_its_parts_tell_goes_before_what_is_new),
		cmocka_unit_test(a_stranger_wakes_the_object_of_its_name),
		cmocka_unit_test(done_is_done),
		cmocka_unit_test(again_is_again_after_the_time),
		cmocka_unit_test(retries_back_off_from_5_ms_doubling),
		cmocka_unit_test(workers_run_different_keys_in_parallel),
		cmocka_unit_test(one_key_is_never_run_twice_at_a_time),
		cmocka_unit_test(it_says_since_when_the_longest_reconcile_runs),
		cmocka_unit_test(a_shut_controller_ends_what_runs_and_begins_nothing),
		cmocka_unit_test(memory_goes_when_the_plugin_has_seen_its_object_gone),
		cmocka_unit_test(reconciles_are_counted_by_result),
		cmocka_unit_test(init_and_fini_are_called_once),
		cmocka_unit_test(a_plugin_that_refuses_is_named),
		cmocka_unit_test(it_waits_until_all_its_kinds_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
