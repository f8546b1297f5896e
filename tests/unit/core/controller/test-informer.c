/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/informer.h: one store and one stream for each kind, with what all plugins
 * together ask for. */
#include "config.h"

#include "core/controller/informer.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/controller/controller-private.h"
#include "core/observe/log.h"
#include "tests/unit/core/core-fixture.h"
#include "tests/unit/core/core-script.h"

#define LISTED                                                            \
	"{'type':'BOOKMARK','object':{'metadata':{'resourceVersion':'5'," \
	"'annotations':{'k8s.io/initial-events-end':'true'}}}}\n"
#define WIDGETS                                          \
	{                                                \
		"example.com", "v1", "widgets", "Widget" \
	}
#define GADGETS                                          \
	{                                                \
		"example.com", "v1", "gadgets", "Gadget" \
	}
#define PODS                            \
	{                               \
		"", "v1", "pods", "Pod" \
	}
#define LEASES                                                 \
	{                                                      \
		"coordination.k8s.io", "v1", "leases", "Lease" \
	}
#define PLUGINS_MAX 4

static const struct asb_kind widgets = WIDGETS, gadgets = GADGETS, pods = PODS, leases = LEASES;
static const char *const phase[] = { "status.phase", NULL }, *const node[] = { "spec.nodeName",
									       NULL };
static const char *const label[] = { "ours", NULL }, *const other_label[] = { "theirs", NULL };

struct fixture {
	struct sched *sched;
	struct script script;
	struct client *client;
	struct reservations *reservations;
	struct plugin plugins[PLUGINS_MAX];
	struct controller *controllers[PLUGINS_MAX];
	size_t count;
	struct informers *informers;
	unsigned int changes;
};

static int32_t reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	(void)state;
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return ASB_DONE;
}

static void by_phase(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_str(object, "status", "phase"), 0);
}

static void by_annotation(struct json_object *object, struct asb_values *out)
{
	out->add(out, asb_annotation(object, "reserves"), 0);
}

static void note_change(void *arg)
{
	struct fixture *f = arg;

	f->changes++;
}

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ .sched = sched_create_simulation(1, 0) };
	log_set_level(LOG_ERROR);
	script_init(&f->script, f->sched);
	f->client = client_create(&(struct client_config){
		.sched = f->sched, .transport = &f->script.transport, .slots = 4 });
	f->reservations = reservations_create(f->sched);
}

/* A plugin with these watches and indexes; both end in a zeroed entry. */
static void add_plugin(struct fixture *f, const char *name, const struct asb_watch *watches,
		       const struct asb_index *indexes)
{
	struct asb_plugin description = {
		ASB_PLUGIN_HEAD,    .name = name,           .watches = watches,
		.indexes = indexes, .reconcile = reconcile,
	};
	struct error error = { 0 };

	if (plugin_copy(&description, name, &f->plugins[f->count], &error) < 0) {
		fail_msg("%s", error.text);
	}
	f->controllers[f->count] = controller_create(
		&(struct controller_config){
			.sched = f->sched,
			.plugin = &f->plugins[f->count],
			.client = f->client,
			.reservations = f->reservations,
			.workers = 1,
		},
		NULL);
	assert_non_null(f->controllers[f->count]);
	f->count++;
}

static void make(struct fixture *f, const char *selector)
{
	f->informers = informers_create(
		&(struct informers_config){
			.sched = f->sched,
			.client = f->client,
			.reservations = f->reservations,
			.pod_label_selector = selector,
			.changed = note_change,
			.arg = f,
		},
		f->controllers, f->count);
}

static void tear_down(struct fixture *f)
{
	client_stop(f->client);
	f->script.transport.ops->stop(&f->script.transport);
	informers_stop(f->informers);
	for (size_t i = 0; i < f->count; i++) {
		controller_destroy(f->controllers[i]);
		plugin_finish(&f->plugins[i]);
	}
	informers_destroy(f->informers);
	reservations_destroy(f->reservations);
	client_destroy(f->client);
	script_finish(&f->script);
	sched_destroy(f->sched);
}

static void event(struct fixture *f, const struct asb_kind *kind, const char *quoted)
{
	CLEANUP_FREE char *text = json_text("%s", quoted);

	assert_int_equal(store_event(informers_store(f->informers, kind), STORE_MODIFIED, text,
				     strlen(text), NULL),
			 0);
}

/* Two plugins that watch pods, each in its own way. */
static void set_up_two(struct fixture *f, uint32_t flags, uint32_t other_flags)
{
	const struct asb_watch one[] = {
		{ .kind = WIDGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = PODS,
		  .enqueue = ASB_ENQUEUE_OWNER,
		  .flags = flags,
		  .fields = phase,
		  .selector_labels = label },
		{ .kind = { 0 } },
	};
	const struct asb_watch two[] = {
		{ .kind = GADGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = PODS,
		  .enqueue = ASB_ENQUEUE_SELF,
		  .flags = other_flags,
		  .fields = node,
		  .selector_labels = other_label },
		{ .kind = { 0 } },
	};

	set_up(f);
	add_plugin(f, "one", one, NULL);
	add_plugin(f, "two", two, NULL);
	make(f, NULL);
}

static void plugins_share_a_store_with_the_fields_of_all(void **state)
{
	CLEANUP_JSON struct json_object *pod = NULL;
	struct fixture f;

	(void)state;
	set_up_two(&f, 0, 0);
	event(&f, &pods,
	      "{'metadata':{'name':'p','resourceVersion':'5'},'spec':{'nodeName':'x','y':1},'status':{'phase':'Running','z':1}}");
	pod = store_get(informers_store(f.informers, &pods), "", "p");
	assert_string_equal(asb_str(pod, "spec", "nodeName"), "x");
	assert_string_equal(asb_str(pod, "status", "phase"), "Running");
	assert_null(asb_at(pod, "spec", "y"));
	assert_null(asb_at(pod, "status", "z"));
	assert_null(informers_store(f.informers, &leases));
	tear_down(&f);
}

static void a_change_goes_to_all_who_watch_the_kind(void **state)
{
	struct fixture f;

	(void)state;
	set_up_two(&f, 0, 0);
	event(&f, &gadgets, "{'metadata':{'name':'p','resourceVersion':'4'}}");
	assert_int_equal(queue_depth(f.controllers[0]->queue), 0);
	assert_int_equal(queue_depth(f.controllers[1]->queue), 1);
	event(&f, &pods,
	      "{'metadata':{'name':'p','resourceVersion':'5','ownerReferences':[{'apiVersion':'example.com/v1','kind':'Widget','name':'w','uid':'1','controller':true}]}}");
	assert_int_equal(queue_depth(f.controllers[0]->queue), 1);
	assert_int_equal(queue_depth(f.controllers[1]->queue), 1);
	tear_down(&f);
}

static void one_who_wants_all_keeps_all(void **state)
{
	struct fixture f;

	(void)state;
	set_up_two(&f, ASB_WATCH_SELECTED, 0);
	event(&f, &pods, "{'metadata':{'name':'p','resourceVersion':'5'}}");
	assert_int_equal(store_size(informers_store(f.informers, &pods)), 1);
	tear_down(&f);
}

static void ours_are_those_of_any_plugin(void **state)
{
	struct store *store;
	struct fixture f;

	(void)state;
	set_up_two(&f, ASB_WATCH_SELECTED, ASB_WATCH_SELECTED);
	store = informers_store(f.informers, &pods);
	event(&f, &pods, "{'metadata':{'name':'none','resourceVersion':'5'}}");
	assert_int_equal(store_size(store), 0);
	event(&f, &pods, "{'metadata':{'name':'a','resourceVersion':'6','labels':{'ours':''}}}");
	event(&f, &pods, "{'metadata':{'name':'b','resourceVersion':'7','labels':{'theirs':''}}}");
	event(&f, &pods,
	      "{'metadata':{'name':'c','resourceVersion':'8','ownerReferences':[{'apiVersion':'example.com/v1','kind':'Gadget','name':'g','uid':'1','controller':true}]}}");
	assert_int_equal(store_size(store), 3);
	/* A stranger wakes the object of its name, of who maps by name. */
	event(&f, &gadgets, "{'metadata':{'name':'x','resourceVersion':'4'}}");
	queue_done(f.controllers[1]->queue, queue_get(f.controllers[1]->queue), QUEUE_FORGET,
		   SCHED_FOREVER);
	event(&f, &pods, "{'metadata':{'name':'x','resourceVersion':'9'}}");
	assert_int_equal(queue_depth(f.controllers[1]->queue), 1);
	tear_down(&f);
}

static void the_own_kind_is_kept_whole(void **state)
{
	struct fixture f;

	(void)state;
	set_up_two(&f, ASB_WATCH_SELECTED, ASB_WATCH_SELECTED);
	event(&f, &widgets, "{'metadata':{'name':'w','resourceVersion':'5'}}");
	assert_int_equal(store_size(informers_store(f.informers, &widgets)), 1);
	tear_down(&f);
}

static void metadata_is_asked_for_only_if_nobody_reads_more(void **state)
{
	static const struct {
		uint32_t one, two;
		bool partial;
	} cases[] = { { ASB_WATCH_METADATA, ASB_WATCH_METADATA, true },
		      { ASB_WATCH_METADATA, 0, false },
		      { 0, ASB_WATCH_METADATA, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;

		set_up_two(&f, cases[i].one, cases[i].two);
		informers_start(f.informers);
		script_pass(&f.script, 1000);
		assert_int_equal(f.script.sent_count, 3);
		for (size_t k = 0; k < 3; k++) {
			bool partial = f.script.sent[k].accept != NULL;

			assert_int_equal(partial, strstr(f.script.sent[k].line, "/pods?") != NULL &&
							  cases[i].partial);
			assert_int_equal(f.controllers[1]->bindings[1].metadata_only,
					 cases[i].partial);
		}
		tear_down(&f);
	}
}

static void an_optional_kind_is_watched_only_where_it_is_reconciled(void **state)
{
	static const struct asb_watch one[] = {
		{ .kind = WIDGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = GADGETS, .enqueue = ASB_ENQUEUE_SELF, .flags = ASB_WATCH_OPTIONAL },
		{ .kind = { 0 } },
	};
	static const struct asb_watch two[] = { { .kind = GADGETS, .enqueue = ASB_ENQUEUE_SELF },
						{ .kind = { 0 } } };

	(void)state;
	for (int both = 0; both < 2; both++) {
		struct fixture f;

		set_up(&f);
		add_plugin(&f, "one", one, NULL);
		if (both == 1) {
			add_plugin(&f, "two", two, NULL);
		}
		make(&f, NULL);
		assert_int_equal(informers_store(f.informers, &gadgets) != NULL, both);
		assert_int_equal(f.controllers[0]->bindings[1].store != NULL, both);
		tear_down(&f);
	}
}

static void a_kind_that_is_only_written_is_not_watched(void **state)
{
	static const struct asb_watch one[] = {
		{ .kind = WIDGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = LEASES, .flags = ASB_WATCH_UNWATCHED },
		{ .kind = { 0 } },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	add_plugin(&f, "one", one, NULL);
	make(&f, NULL);
	informers_start(f.informers);
	script_pass(&f.script, 1000);
	assert_null(informers_store(f.informers, &leases));
	assert_int_equal(f.script.sent_count, 1);
	tear_down(&f);
}

static void the_selector_narrows_pods_alone(void **state)
{
	static const struct asb_watch one[] = {
		{ .kind = WIDGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = PODS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = { "example.com", "v1", "pods", "Pod" }, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = { 0 } },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	add_plugin(&f, "one", one, NULL);
	make(&f, "a=b");
	informers_start(f.informers);
	script_pass(&f.script, 1000);
	assert_int_equal(script_count(&f.script, "GET /"), 3);
	assert_int_equal(script_count(&f.script, "labelSelector=a%3Db"), 1);
	assert_int_equal(script_count(&f.script, "/api/v1/pods?labelSelector=a%3Db"), 1);
	tear_down(&f);
}

static void indexes_of_plugins_over_one_kind_do_not_mix(void **state)
{
	static const struct asb_watch one[] = {
		{ .kind = WIDGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = PODS, .enqueue = ASB_ENQUEUE_SELF, .fields = phase },
		{ .kind = { 0 } },
	};
	static const struct asb_watch two[] = {
		{ .kind = GADGETS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = PODS, .enqueue = ASB_ENQUEUE_SELF },
		{ .kind = { 0 } },
	};
	static const struct asb_index one_indexes[] = {
		{ .name = "own", .watch = 0, .values = by_annotation },
		{ .name = "x", .watch = 1, .values = by_phase },
		{ 0 }
	};
	static const struct asb_index two_indexes[] = { { .name = "x",
							  .watch = 1,
							  .flags = ASB_INDEX_RESERVES,
							  .reserves = 1,
							  .values = by_annotation },
							{ 0 } };
	char holder[STORE_KEY_MAX];
	struct call call;
	struct fixture f;

	(void)state;
	set_up(&f);
	add_plugin(&f, "one", one, one_indexes);
	add_plugin(&f, "two", two, two_indexes);
	make(&f, NULL);
	event(&f, &pods,
	      "{'metadata':{'name':'p','namespace':'n','resourceVersion':'5','annotations':{'reserves':'n/q'}},'status':{'phase':'Running'}}");
	call_begin(&call, f.controllers[0], NULL, NULL);
	assert_int_equal(call.base.host->count(&call.base, 1, "Running"), 1);
	assert_int_equal(call.base.host->count(&call.base, 1, "n/q"), 0);
	assert_int_equal(call.base.host->count(&call.base, 0, "n/q"), 0);
	call_finish(&call);
	call_begin(&call, f.controllers[1], NULL, NULL);
	assert_int_equal(call.base.host->count(&call.base, 0, "n/q"), 1);
	call_finish(&call);
	/* What objects reserve holds for everybody. */
	assert_true(reservations_find(f.reservations, &pods, "n", "q", holder));
	assert_string_equal(holder, "n/p");
	tear_down(&f);
}

static void it_is_settled_when_all_kinds_are_listed_or_absent(void **state)
{
	struct buf text = BUF_INIT(4096);
	struct fixture f;

	(void)state;
	set_up_two(&f, 0, 0);
	script_response(&f.script, "/widgets?", 200, LISTED);
	script_response(&f.script, "/gadgets?", 404, "{'kind':'Status'}");
	informers_start(f.informers);
	script_pass(&f.script, 1000);
	assert_false(informers_settled(f.informers));
	informers_report(f.informers, &text);
	assert_string_equal(
		buf_str(&text),
		"pods.: being listed\ngadgets.example.com: not served by the API server\n");
	script_feed(&f.script, "/pods?", LISTED);
	script_pass(&f.script, 1000);
	assert_true(informers_settled(f.informers));
	assert_int_equal(f.changes, 3);
	buf_finish(&text);
	tear_down(&f);
}

static void catching_up_lists_every_kind(void **state)
{
	struct error error = { 0 };
	struct fixture f;

	(void)state;
	set_up_two(&f, 0, 0);
	script_response(&f.script, "/widgets?", 200, LISTED);
	script_response(&f.script, "/gadgets?", 200, LISTED);
	script_response(&f.script, "/pods?", 200, LISTED);
	informers_start(f.informers);
	script_pass(&f.script, 1000);
	script_response(&f.script, "/widgets?limit", 200,
			"{'metadata':{'resourceVersion':'9'},'items':[]}");
	script_response(&f.script, "/pods?limit", 200,
			"{'metadata':{'resourceVersion':'9'},'items':[]}");
	script_response(&f.script, "/gadgets?limit", 500, "{'kind':'Status'}");
	assert_true(informers_resync(f.informers, &error) < 0);
	assert_non_null(strstr(error.text, "'gadgets'"));
	script_response(&f.script, "/widgets?limit", 200,
			"{'metadata':{'resourceVersion':'9'},'items':[]}");
	script_response(&f.script, "/pods?limit", 200,
			"{'metadata':{'resourceVersion':'9'},'items':[]}");
	script_response(&f.script, "/gadgets?limit", 200,
			"{'metadata':{'resourceVersion':'9'},'items':[]}");
	assert_int_equal(informers_resync(f.informers, &error), 0);
	assert_int_equal(store_version(informers_store(f.informers, &gadgets)), 9);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugins_share_a_store_with_the_fields_of_all),
		cmocka_unit_test(a_change_goes_to_all_who_watch_the_kind),
		cmocka_unit_test(one_who_wants_all_keeps_all),
		cmocka_unit_test(ours_are_those_of_any_plugin),
		cmocka_unit_test(the_own_kind_is_kept_whole),
		cmocka_unit_test(metadata_is_asked_for_only_if_nobody_reads_more),
		cmocka_unit_test(an_optional_kind_is_watched_only_where_it_is_reconciled),
		cmocka_unit_test(a_kind_that_is_only_written_is_not_watched),
		cmocka_unit_test(the_selector_narrows_pods_alone),
		cmocka_unit_test(indexes_of_plugins_over_one_kind_do_not_mix),
		cmocka_unit_test(it_is_settled_when_all_kinds_are_listed_or_absent),
		cmocka_unit_test(catching_up_lists_every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
