/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/plugin.h about descriptions: what is copied, what is refused, what is said about
 * it. */
#include "config.h"

#include "core/controller/plugin.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"

static int32_t reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	(void)state;
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return ASB_DONE;
}

static void values(struct json_object *object, struct asb_values *out)
{
	(void)object;
	(void)out;
}

static void map(void *state, struct asb_call *call, struct json_object *before,
		struct json_object *after, struct asb_keys *out)
{
	(void)state;
	(void)call;
	(void)before;
	(void)after;
	(void)out;
}

static const char *const fields[] = { "spec", NULL };

/* A description and its tables, for a test to spoil. */
struct draft {
	struct asb_plugin plugin;
	struct asb_watch watches[40];
	struct asb_index indexes[40];
	struct asb_rule rules[200];
	struct asb_option options[200];
	struct asb_metric metrics[200];
};

static void draft_init(struct draft *draft)
{
	*draft = (struct draft){ 0 };
	draft->plugin = (struct asb_plugin){
		ASB_PLUGIN_HEAD,           .name = "draft",       .version = "1",
		.description = "a draft",  .workers = 2,          .watches = draft->watches,
		.indexes = draft->indexes, .rules = draft->rules, .options = draft->options,
		.metrics = draft->metrics, .crd = "crd",          .reconcile = reconcile,
	};
	draft->watches[0] = (struct asb_watch){
		.kind = { "example.com", "v1", "widgets", "Widget" },
		.enqueue = ASB_ENQUEUE_SELF,
		.fields = fields,
	};
	draft->watches[1] = (struct asb_watch){
		.kind = { "", "v1", "pods", "Pod" },
		.enqueue = ASB_ENQUEUE_INDEX,
		.enqueue_index = "by-pod",
	};
	draft->watches[2] = (struct asb_watch){
		.kind = { "", "v1", "services", "Service" },
		.enqueue = ASB_ENQUEUE_FUNCTION,
		.enqueue_function = map,
	};
	draft->indexes[0] = (struct asb_index){ .name = "by-pod", .values = values };
	draft->indexes[1] = (struct asb_index){
		.name = "pods",
		.watch = 1,
		.flags = ASB_INDEX_RESERVES,
		.reserves = 2,
		.values = values,
	};
	draft->rules[0] = (struct asb_rule){ "", "pods", "get,list" };
	draft->options[0] =
		(struct asb_option){ .name = "colour", .fallback = "red", .help = "help" };
	draft->options[1] = (struct asb_option){ .name = "size", .file = "size.txt" };
	draft->metrics[0] = (struct asb_metric){
		.name = "m_total", .help = "M.", .labels = "a,b", .type = ASB_COUNTER
	};
}

/* The description is refused, and the message has these words. */
static void expect_refusal(const struct asb_plugin *description, const char *words)
{
	struct plugin plugin = { 0 };
	struct error error = { 0 };

	assert_int_equal(plugin_copy(description, "/some/file.so", &plugin, &error), -EINVAL);
	if (strstr(error.text, words) == NULL || strstr(error.text, "'/some/file.so'") == NULL) {
		fail_msg("no '%s' in: %s", words, error.text);
	}
	assert_null(plugin.file);
	assert_int_equal(plugin_copy(description, "/some/file.so", &plugin, NULL), -EINVAL);
}

static void a_description_is_copied_whole(void **state)
{
	struct plugin plugin;
	struct error error = { 0 };
	struct draft draft;

	(void)state;
	draft_init(&draft);
	assert_int_equal(plugin_copy(&draft.plugin, "/some/file.so", &plugin, &error), 0);
	memset(draft.watches, 0x6b, sizeof(draft.watches));
	memset(draft.options, 0x6b, sizeof(draft.options));
	assert_string_equal(plugin.file, "/some/file.so");
	assert_string_equal(plugin.head.name, "draft");
	assert_int_equal(plugin.head.workers, 2);
	assert_ptr_equal(plugin.head.reconcile, reconcile);
	assert_int_equal(plugin.watch_count, 3);
	assert_string_equal(plugin.watches[0].kind.plural, "widgets");
	assert_ptr_equal(plugin.watches[0].fields, fields);
	assert_ptr_equal(plugin.watches[2].enqueue_function, map);
	assert_int_equal(plugin.index_count, 2);
	assert_int_equal(plugin.indexes[1].reserves, 2);
	assert_int_equal(plugin.rule_count, 1);
	assert_string_equal(plugin.rules[0].verbs, "get,list");
	assert_int_equal(plugin.option_count, 2);
	assert_string_equal(plugin.options[0].fallback, "red");
	assert_int_equal(plugin.metric_count, 1);
	assert_int_equal(plugin.metrics[0].type, ASB_COUNTER);
	plugin_finish(&plugin);
	plugin_finish(&plugin);
}

static void tables_may_be_missing(void **state)
{
	struct plugin plugin;
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.watches[1] = (struct asb_watch){ 0 };
	draft.plugin.indexes = NULL;
	draft.plugin.rules = NULL;
	draft.plugin.options = NULL;
	draft.plugin.metrics = NULL;
	draft.plugin.crd = NULL;
	assert_int_equal(plugin_copy(&draft.plugin, "f", &plugin, NULL), 0);
	assert_int_equal(plugin.watch_count, 1);
	assert_int_equal(plugin.index_count + plugin.rule_count + plugin.option_count +
				 plugin.metric_count,
			 0);
	plugin_finish(&plugin);
}

static void another_magic_is_refused_with_both(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.magic = 0x12345678;
	expect_refusal(&draft.plugin, "0x12345678");
	expect_refusal(&draft.plugin, "0x31425341");
}

static void another_major_is_refused_with_both(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.abi_major = 7;
	draft.plugin.abi_minor = 5;
	expect_refusal(&draft.plugin, "7.5");
	expect_refusal(&draft.plugin, "2.0");
	draft.plugin.abi_major = 0;
	draft.plugin.abi_minor = 0;
	expect_refusal(&draft.plugin, "0.0");
}

static void a_newer_minor_is_refused_with_both(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.abi_minor = 9;
	expect_refusal(&draft.plugin, "2.9");
	expect_refusal(&draft.plugin, "2.0");
}

static void another_json_library_is_refused_with_both(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.json_soname = "libjson-c.so.4";
	expect_refusal(&draft.plugin, "libjson-c.so.4");
	expect_refusal(&draft.plugin, ASB_JSON_SONAME);
	draft.plugin.json_soname = NULL;
	expect_refusal(&draft.plugin, "no json-c");
}

static void no_description_is_refused(void **state)
{
	(void)state;
	expect_refusal(NULL, "no description");
}

static void names_are_plain(void **state)
{
	static const char *const good[] = { "a", "a-1",
					    "012345678901234567890123456789012345678901234-6" };
	static const char *const bad[] = { "",
					   "A",
					   "a.b",
					   "a_b",
					   "a b",
					   "a/b",
					   "0123456789012345678901234567890123456789012345678" };
	struct plugin plugin;
	struct draft draft;

	(void)state;
	draft_init(&draft);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		draft.plugin.name = good[i];
		assert_int_equal(plugin_copy(&draft.plugin, "f", &plugin, NULL), 0);
		plugin_finish(&plugin);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		draft.plugin.name = bad[i];
		expect_refusal(&draft.plugin, "name");
	}
	draft.plugin.name = NULL;
	expect_refusal(&draft.plugin, "name");
}

static void what_a_plugin_must_have_is_missed(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.reconcile = NULL;
	expect_refusal(&draft.plugin, "reconcile");
	draft_init(&draft);
	draft.plugin.watches = NULL;
	expect_refusal(&draft.plugin, "watches[0]");
	draft_init(&draft);
	draft.watches[0].kind.group = NULL;
	expect_refusal(&draft.plugin, "watches[0]");
}

static void a_kind_is_complete(void **state)
{
	struct draft draft;
	char group[200];

	(void)state;
	memset(group, 'g', sizeof(group) - 1);
	group[sizeof(group) - 1] = '\0';
	draft_init(&draft);
	draft.watches[1].kind.version = NULL;
	expect_refusal(&draft.plugin, "version");
	draft.watches[1].kind.version = "";
	expect_refusal(&draft.plugin, "version");
	draft_init(&draft);
	draft.watches[1].kind.plural = NULL;
	expect_refusal(&draft.plugin, "plural");
	draft.watches[1].kind.plural = "";
	expect_refusal(&draft.plugin, "plural");
	draft_init(&draft);
	draft.watches[1].kind.kind = NULL;
	expect_refusal(&draft.plugin, "kind");
	draft.watches[1].kind.kind = "";
	expect_refusal(&draft.plugin, "kind");
	draft_init(&draft);
	draft.watches[1].kind.group = group;
	expect_refusal(&draft.plugin, "group");
}

static void maps_name_what_is_there(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.watches[2].enqueue_function = NULL;
	expect_refusal(&draft.plugin, "'services'");
	draft_init(&draft);
	draft.watches[1].enqueue_index = "none";
	expect_refusal(&draft.plugin, "'none'");
	draft.watches[1].enqueue_index = NULL;
	expect_refusal(&draft.plugin, "'pods'");
	/* It must be over the plugin's own kind. */
	draft.watches[1].enqueue_index = "pods";
	expect_refusal(&draft.plugin, "watches[0]");
}

static void indexes_name_what_is_there(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.indexes[0].values = NULL;
	expect_refusal(&draft.plugin, "'by-pod'");
	draft_init(&draft);
	draft.indexes[0].watch = 3;
	expect_refusal(&draft.plugin, "'by-pod'");
	draft_init(&draft);
	draft.indexes[1].reserves = 3;
	expect_refusal(&draft.plugin, "'pods'");
}

static void the_own_kind_is_watched(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.watches[0].flags = ASB_WATCH_UNWATCHED;
	expect_refusal(&draft.plugin, "watches[0]");
}

static void a_table_too_long_is_refused_not_cut(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	for (size_t i = 3; i < 33; i++) {
		draft.watches[i] = draft.watches[2];
	}
	expect_refusal(&draft.plugin, "32 watches");
	draft_init(&draft);
	for (size_t i = 2; i < 33; i++) {
		draft.indexes[i] = draft.indexes[1];
	}
	expect_refusal(&draft.plugin, "32 indexes");
	draft_init(&draft);
	for (size_t i = 1; i < 129; i++) {
		draft.rules[i] = draft.rules[0];
	}
	expect_refusal(&draft.plugin, "128 rules");
	draft_init(&draft);
	for (size_t i = 2; i < 129; i++) {
		draft.options[i] = draft.options[0];
	}
	expect_refusal(&draft.plugin, "128 options");
	draft_init(&draft);
	for (size_t i = 1; i < 129; i++) {
		draft.metrics[i] = draft.metrics[0];
	}
	expect_refusal(&draft.plugin, "128 metrics");
}

static void a_full_table_is_taken(void **state)
{
	struct plugin plugin;
	struct draft draft;

	(void)state;
	draft_init(&draft);
	for (size_t i = 3; i < 32; i++) {
		draft.watches[i] = draft.watches[2];
	}
	for (size_t i = 1; i < 128; i++) {
		draft.rules[i] = draft.rules[0];
	}
	assert_int_equal(plugin_copy(&draft.plugin, "f", &plugin, NULL), 0);
	assert_int_equal(plugin.watch_count, 32);
	assert_int_equal(plugin.rule_count, 128);
	plugin_finish(&plugin);
}

static void longer_entries_are_read_as_far_as_they_are_known(void **state)
{
	struct wide_option {
		struct asb_option known;
		const char *unknown[3];
	};
	static const struct wide_option options[] = {
		{ { .name = "a", .fallback = "1", .help = "A" }, { "?", "?", "?" } },
		{ { .name = "b", .fallback = "2", .help = "B" }, { "?", "?", "?" } },
		{ { 0 }, { 0 } }
	};
	struct plugin plugin;
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft.plugin.options = &options[0].known;
	draft.plugin.option_size = sizeof(options[0]);
	assert_int_equal(plugin_copy(&draft.plugin, "f", &plugin, NULL), 0);
	assert_int_equal(plugin.option_count, 2);
	assert_string_equal(plugin.options[1].name, "b");
	assert_string_equal(plugin.options[1].help, "B");
	plugin_finish(&plugin);
}

static void plugins_of_one_name_or_kind_collide(void **state)
{
	struct plugin one, two;
	struct error error = { 0 };
	struct draft draft;

	(void)state;
	draft_init(&draft);
	assert_int_equal(plugin_copy(&draft.plugin, "/one.so", &one, NULL), 0);
	draft.plugin.name = "other";
	assert_int_equal(plugin_copy(&draft.plugin, "/two.so", &two, NULL), 0);
	assert_int_equal(plugin_check_pair(&one, &two, &error), -EEXIST);
	assert_non_null(strstr(error.text, "'widgets.example.com'"));
	assert_non_null(strstr(error.text, "'/one.so'"));
	assert_non_null(strstr(error.text, "'/two.so'"));
	two.watches[0].kind.version = "v2"; /* the same kind all the same */
	assert_int_equal(plugin_check_pair(&one, &two, NULL), -EEXIST);
	two.watches[0].kind.group = "other.com";
	assert_int_equal(plugin_check_pair(&one, &two, NULL), 0);
	two.head.name = "draft";
	assert_int_equal(plugin_check_pair(&one, &two, &error), -EEXIST);
	assert_non_null(strstr(error.text, "'draft'"));
	assert_non_null(strstr(error.text, "'/one.so'"));
	assert_non_null(strstr(error.text, "'/two.so'"));
	plugin_finish(&one);
	plugin_finish(&two);
}

static void a_dump_is_one_line_of_json_with_all_tables(void **state)
{
	struct buf out = BUF_INIT(1u << 20);
	struct plugin plugin;
	struct draft draft;

	(void)state;
	draft_init(&draft);
	assert_int_equal(plugin_copy(&draft.plugin, "/some/file.so", &plugin, NULL), 0);
	assert_int_equal(plugin_dump(&plugin, &out), 0);
	assert_ptr_equal(strchr(buf_str(&out), '\n'), buf_str(&out) + out.length - 1);
	CLEANUP_JSON struct json_object *dump = json_parse(buf_str(&out), out.length, NULL);

	assert_string_equal(asb_str(dump, "file"), "/some/file.so");
	assert_string_equal(asb_str(dump, "name"), "draft");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "abi"), JSON_C_TO_STRING_PLAIN),
		"[2,0]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "watches"), JSON_C_TO_STRING_PLAIN),
		"[{\"group\":\"example.com\",\"version\":\"v1\",\"plural\":\"widgets\",\"kind\":\"Widget\",\"map\":[\"self\"],\"flags\":[],\"fields\":[\"spec\"],\"selector_labels\":[]},"
		"{\"group\":\"\",\"version\":\"v1\",\"plural\":\"pods\",\"kind\":\"Pod\",\"map\":[\"index:by-pod\"],\"flags\":[],\"fields\":[],\"selector_labels\":[]},"
		"{\"group\":\"\",\"version\":\"v1\",\"plural\":\"services\",\"kind\":\"Service\",\"map\":[\"function\"],\"flags\":[],\"fields\":[],\"selector_labels\":[]}]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "indexes"), JSON_C_TO_STRING_PLAIN),
		"[{\"name\":\"by-pod\",\"watch\":\"Widget\"},{\"name\":\"pods\",\"watch\":\"Pod\",\"reserves\":\"Service\"}]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "rules"), JSON_C_TO_STRING_PLAIN),
		"[{\"groups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\",\"list\"]}]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "options"), JSON_C_TO_STRING_PLAIN),
		"[{\"name\":\"colour\",\"fallback\":\"red\",\"help\":\"help\"},{\"name\":\"size\",\"file\":\"size.txt\"}]");
	assert_string_equal(
		json_object_to_json_string_ext(asb_at(dump, "metrics"), JSON_C_TO_STRING_PLAIN),
		"[{\"name\":\"m_total\",\"help\":\"M.\",\"labels\":[\"a\",\"b\"],\"type\":\"counter\"}]");
	assert_string_equal(asb_str(dump, "crd"), "crd");
	plugin_finish(&plugin);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_description_is_copied_whole),
		cmocka_unit_test(tables_may_be_missing),
		cmocka_unit_test(another_magic_is_refused_with_both),
		cmocka_unit_test(another_major_is_refused_with_both),
		cmocka_unit_test(a_newer_minor_is_refused_with_both),
		cmocka_unit_test(another_json_library_is_refused_with_both),
		cmocka_unit_test(no_description_is_refused),
		cmocka_unit_test(names_are_plain),
		cmocka_unit_test(what_a_plugin_must_have_is_missed),
		cmocka_unit_test(a_kind_is_complete),
		cmocka_unit_test(maps_name_what_is_there),
		cmocka_unit_test(indexes_name_what_is_there),
		cmocka_unit_test(the_own_kind_is_watched),
		cmocka_unit_test(a_table_too_long_is_refused_not_cut),
		cmocka_unit_test(a_full_table_is_taken),
		cmocka_unit_test(longer_entries_are_read_as_far_as_they_are_known),
		cmocka_unit_test(plugins_of_one_name_or_kind_collide),
		cmocka_unit_test(a_dump_is_one_line_of_json_with_all_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
