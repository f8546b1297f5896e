/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/manager.h: when plugins start, what a new leader does first, how it all ends. */
#include "config.h"

#include "core/controller/manager.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/core/controller-fixture.h"
#include "tests/unit/core/core-fixture.h"

#define END(version)                                                                \
	"{'type':'BOOKMARK','object':{'metadata':{'resourceVersion':'" version "'," \
	"'annotations':{'k8s.io/initial-events-end':'true'}}}}\n"
#define WIDGET_W(version)                                             \
	"{'type':'ADDED','object':{'apiVersion':'example.com/"        \
	"v1','kind':'Widget','metadata':{'name':'w','namespace':'n'," \
	"'uid':'u-w','resourceVersion':'" version "'}}}\n"
#define PAGE "{'metadata':{'resourceVersion':'20'},'items':[]}"

struct fixture {
	struct rig rig;
	struct manager_config config;
	struct manager *manager;
	struct plugin parked; /* of a kind that is not served */
	unsigned int lost;
	char *lease; /* script.lock; what the API server has */
	unsigned int lease_version;
	bool lease_fails;
};

static int32_t never(void *state, struct asb_call *call, const struct asb_key *key,
		     uint64_t *ret_requeue_after_ms)
{
	(void)state;
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return ASB_TERMINAL_ERROR;
}

static const struct asb_watch parked_watches[] = {
	{ .kind = { "example.com", "v1", "gadgets", "Gadget" }, .enqueue = ASB_ENQUEUE_SELF },
	{ .kind = { 0 } },
};
static const struct asb_plugin parked_description = {
	ASB_PLUGIN_HEAD,
	.name = "parked",
	.watches = parked_watches,
	.reconcile = never,
};

/* Keeps one Lease; everything else that the script has no step for is a 500. */
static void serve(struct script *script, const struct http_request *request,
		  struct http_response *response)
{
	struct fixture *f = script->arg;

	if (strstr(request->path, "/leases") == NULL || f->lease_fails) {
		response->status = 500;
		return;
	}
	if (request->body != NULL) {
		CLEANUP_JSON struct json_object *lease =
			json_parse(request->body, request->body_length, NULL);
		char version[16];

		assert_non_null(lease);
		snprintf(version, sizeof(version), "%u", ++f->lease_version);
		asb_set_str(asb_object_in(lease, "metadata"), "resourceVersion", version);
		asb_set_str(asb_object_in(lease, "metadata"), "uid", "u-lease");
		free(f->lease);
		f->lease = xstrdup(json_object_to_json_string(lease));
	}
	response->status = f->lease == NULL                       ? 404
			   : strcmp(request->method, "POST") == 0 ? 201
								  : 200;
	buf_append_str(&response->body,
		       f->lease != NULL ? f->lease : "{\"kind\":\"Status\",\"code\":404}");
}

static void on_lost(void *arg)
{
	struct fixture *f = arg;

	f->lost++;
}

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	rig_init_bare(&f->rig);
	f->rig.script.serve = serve;
	f->rig.script.arg = f;
	f->config = (struct manager_config){
		.sched = f->rig.sched,
		.transport = &f->rig.script.transport,
		.metrics = f->rig.metrics,
		.plugins = { { .plugin = &f->rig.plugin } },
		.plugin_count = 1,
		.on_lost = on_lost,
		.arg = f,
	};
}

static void with_lease(struct fixture *f)
{
	f->config.lease_ns = "ns";
	f->config.lease_names[0] = "lock";
	f->config.identity = "me";
}

static void with_parked_plugin(struct fixture *f)
{
	assert_int_equal(plugin_copy(&parked_description, "parked.so", &f->parked, NULL), 0);
	f->config.plugins[f->config.plugin_count++].plugin = &f->parked;
}

static void pass(struct fixture *f, uint64_t us)
{
	script_pass(&f->rig.script, us);
}

static void start(struct fixture *f)
{
	struct error error = { 0 };

	pass(f, 1000); /* nothing real starts at time 0 */
	f->manager = manager_create(&f->config, &error);
	assert_non_null(f->manager);
	manager_start(f->manager);
}

static void stop(struct fixture *f, bool abrupt)
{
	manager_stop(f->manager, abrupt);
	manager_destroy(f->manager);
	f->manager = NULL;
}

static void tear_down(struct fixture *f)
{
	if (f->manager != NULL) {
		stop(f, true);
	}
	plugin_finish(&f->parked);
	free(f->lease);
	rig_finish_bare(&f->rig);
}

/* All three kinds are listed; there is one Widget n/w. */
static void respond_with_lists(struct fixture *f)
{
	script_response(&f->rig.script, "/widgets?watch", 200, WIDGET_W("5") END("10"));
	script_response(&f->rig.script, "/pods?watch", 200, END("10"));
	script_response(&f->rig.script, "/services?watch", 200, END("10"));
}

static void expect_reconciled(struct fixture *f, const char *keys)
{
	LOCKED(&f->rig.lock);

	assert_string_equal(f->rig.keys, keys);
	f->rig.keys[0] = '\0';
}

/* ---- starting ---- */

static void without_a_lease_it_leads_at_once(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	respond_with_lists(&f);
	start(&f);
	assert_true(manager_leads(f.manager));
	pass(&f, 1000);
	expect_reconciled(&f, "n/w");
	assert_int_equal(script_count(&f.rig.script, "leases"), 0);
	tear_down(&f);
}

static void workers_start_when_every_kind_is_listed(void **state)
{
	struct buf text = BUF_INIT(4096);
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "/widgets?watch", 200, WIDGET_W("5") END("10"));
	script_response(&f.rig.script, "/services?watch", 200, END("10"));
	start(&f);
	pass(&f, 60000000);
	expect_reconciled(&f, "");
	assert_false(manager_ready(f.manager, &text));
	assert_string_equal(buf_str(&text), "pods.: being listed\n");
	assert_false(manager_idle(f.manager));
	script_feed(&f.rig.script, "/pods?watch", END("10"));
	pass(&f, 1000);
	expect_reconciled(&f, "n/w");
	buf_clear(&text);
	assert_true(manager_ready(f.manager, &text));
	assert_string_equal(buf_str(&text), "");
	assert_true(manager_idle(f.manager));
	buf_finish(&text);
	tear_down(&f);
}

static void a_plugin_whose_kind_is_not_served_is_parked_alone(void **state)
{
	struct buf text = BUF_INIT(1u << 20);
	struct fixture f;

	(void)state;
	set_up(&f);
	with_parked_plugin(&f);
	respond_with_lists(&f);
	script_response(&f.rig.script, "/gadgets?watch", 404, "{'kind':'Status'}");
	start(&f);
	pass(&f, 1000);
	expect_reconciled(&f, "n/w");
	assert_true(manager_ready(f.manager, &text));
	assert_string_equal(
		buf_str(&text),
		"plugin parked is waiting for the CRD of gadgets.example.com: the API server does not serve that kind\n"
		"gadgets.example.com: not served by the API server\n");
	assert_true(manager_idle(f.manager));
	buf_clear(&text);
	metrics_render(f.rig.metrics, &text);
	assert_non_null(strstr(buf_str(&text),
			       "agent_sandbox_plugin_waiting_for_crd{plugin=\"parked\"} 1\n"));
	assert_non_null(strstr(buf_str(&text),
			       "agent_sandbox_plugin_waiting_for_crd{plugin=\"widget\"} 0\n"));
	/* Its CRD comes. */
	script_response(&f.rig.script, "/gadgets?watch", 200, END("10"));
	pass(&f, 3000000);
	buf_clear(&text);
	assert_true(manager_ready(f.manager, &text));
	assert_string_equal(buf_str(&text), "");
	metrics_render(f.rig.metrics, &text);
	assert_non_null(strstr(buf_str(&text),
			       "agent_sandbox_plugin_waiting_for_crd{plugin=\"parked\"} 0\n"));
	buf_finish(&text);
	tear_down(&f);
}

static void a_plugin_that_refuses_ends_the_start(void **state)
{
	struct error error = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.rig.init_result = -1;
	assert_null(manager_create(&f.config, &error));
	assert_int_equal(error.code, -EINVAL);
	assert_non_null(strstr(error.text, "'widget'"));
	assert_int_equal(f.rig.finis, 0);
	assert_null(manager_create(&f.config, NULL));
	tear_down(&f);
}

static void workers_are_as_many_as_told_or_wished(void **state)
{
	(void)state;
	for (uint32_t workers = 0; workers < 4; workers += 3) {
		struct fixture f;

		set_up(&f);
		f.rig.plugin.head.workers = 2;
		f.config.plugins[0].workers = workers;
		respond_with_lists(&f);
		start(&f);
		pass(&f, 1000);
		assert_true(manager_idle(f.manager));
		tear_down(&f);
	}
}

/* ---- the lease ---- */

static void a_standby_watches_and_does_not_work(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	f.lease = json_text(
		"{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'lock','namespace':'ns','resourceVersion':'1'},'spec':{'holderIdentity':'other','leaseDurationSeconds':15,"
		"'renewTime':'2023-11-14T22:13:20.000000Z'}}");
	respond_with_lists(&f);
	start(&f);
	pass(&f, 10000000);
	assert_false(manager_leads(f.manager));
	assert_true(manager_ready(f.manager, &(struct buf)BUF_INIT(100)));
	assert_int_equal(
		store_size(informers_store(manager_informers(f.manager), &rig_kinds[WIDGET])), 1);
	expect_reconciled(&f, "");
	/* The other one is gone: what it wrote last is listed before anybody works. */
	script_response(
		&f.rig.script, "/widgets?limit", 200,
		"{'metadata':{'resourceVersion':'20'},'items':[{'metadata':{'name':'new','namespace':'n','resourceVersion':'15'}}]}");
	script_response(&f.rig.script, "/pods?limit", 200, PAGE);
	script_response(&f.rig.script, "/services?limit", 200, PAGE);
	pass(&f, 10000000);
	assert_true(manager_leads(f.manager));
	assert_int_equal(script_count(&f.rig.script, "?limit"), 3);
	assert_non_null(strstr(f.rig.keys, "n/new"));
	tear_down(&f);
}

static void the_first_leader_lists_once(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	respond_with_lists(&f);
	start(&f);
	pass(&f, 5000000);
	assert_true(manager_leads(f.manager));
	expect_reconciled(&f, "n/w");
	assert_int_equal(script_count(&f.rig.script, "?limit"), 0);
	tear_down(&f);
}

static void a_leader_that_cannot_catch_up_does_not_lead(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	f.lease = json_text(
		"{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'lock','namespace':'ns','resourceVersion':'1'},'spec':{'holderIdentity':'other','leaseDurationSeconds':15,"
		"'renewTime':'2023-11-14T22:13:20.000000Z'}}");
	respond_with_lists(&f);
	start(&f);
	pass(&f, 60000000); /* lists in pages are 500s */
	assert_int_equal(f.lost, 1);
	assert_false(manager_leads(f.manager));
	expect_reconciled(&f, "");
	tear_down(&f);
}

static int32_t create_something(struct rig *rig, struct asb_call *call, const struct asb_key *key,
				uint64_t *ret_requeue_after_ms)
{
	struct asb_write write =
		asb_create(SECRET, 0, asb_new(&rig_kinds[SECRET], key->ns, "made"));

	(void)rig;
	*ret_requeue_after_ms = 1000;
	write.ns = key->ns;
	return asb_write(call, &write) == ASB_CANCELLED ? ASB_TERMINAL_ERROR : ASB_REQUEUE_AFTER;
}

static void who_has_lost_the_lease_writes_nothing(void **state)
{
	size_t writes;
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	f.rig.reconcile = create_something;
	respond_with_lists(&f);
	start(&f);
	pass(&f, 5000000);
	assert_true(script_count(&f.rig.script, "POST /api/v1/namespaces/n/secrets") > 0);
	f.lease_fails = true;
	pass(&f, 11000000);
	writes = script_count(&f.rig.script, "secrets");
	pass(&f, 60000000);
	assert_int_equal(script_count(&f.rig.script, "secrets"), writes);
	assert_int_equal(f.lost, 1);
	tear_down(&f);
}

/* ---- ending ---- */

static int32_t take_a_while(struct rig *rig, struct asb_call *call, const struct asb_key *key,
			    uint64_t *ret_requeue_after_ms)
{
	uint64_t ignored;

	script_pass(&rig->script, 500000);
	return create_something(rig, call, key, &ignored) == ASB_TERMINAL_ERROR
		       ? ASB_TERMINAL_ERROR
		       : (*ret_requeue_after_ms = 0, ASB_DONE);
}

/* Until a reconcile runs. */
static void pass_until_busy(struct fixture *f)
{
	for (int i = 0; i < 500 && f->rig.running == 0; i++) {
		pass(f, 10000);
	}
	assert_int_equal(f->rig.running, 1);
	assert_true(manager_busy_since_us(f->manager) > 0);
	assert_true(manager_leads(f->manager));
}

static void an_orderly_end_lets_reconciles_end_and_gives_the_lease_up(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	f.rig.reconcile = take_a_while;
	respond_with_lists(&f);
	start(&f);
	pass_until_busy(&f);
	stop(&f, false);
	assert_int_equal(f.rig.running, 0);
	assert_int_equal(script_count(&f.rig.script, "POST /api/v1/namespaces/n/secrets"), 1);
	assert_non_null(strstr(f.lease, "\"holderIdentity\": \"\""));
	expect_reconciled(&f, "n/w");
	assert_int_equal(f.rig.finis, 1);
	assert_int_equal(f.lost, 0);
	tear_down(&f);
}

static void an_abrupt_end_sends_nothing_more(void **state)
{
	size_t sent;
	struct fixture f;

	(void)state;
	set_up(&f);
	with_lease(&f);
	f.rig.reconcile = take_a_while;
	respond_with_lists(&f);
	start(&f);
	pass_until_busy(&f);
	sent = f.rig.script.sent_count;
	stop(&f, true);
	assert_int_equal(f.rig.script.sent_count, sent);
	assert_non_null(strstr(f.lease, "\"holderIdentity\": \"me\""));
	tear_down(&f);
}

static void it_may_end_before_anything_is_listed(void **state)
{
	struct fixture f;

	(void)state;
	for (int abrupt = 0; abrupt < 2; abrupt++) {
		set_up(&f);
		with_lease(&f);
		start(&f);
		stop(&f, abrupt == 1);
		tear_down(&f);
	}
}

static void it_may_be_made_and_not_started(void **state)
{
	struct error error = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f);
	f.manager = manager_create(&f.config, &error);
	assert_non_null(f.manager);
	manager_destroy(f.manager);
	f.manager = NULL;
	assert_int_equal(f.rig.inits, 1);
	assert_int_equal(f.rig.finis, 1);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_lease_it_leads_at_once),
		cmocka_unit_test(workers_start_when_every_kind_is_listed),
		cmocka_unit_test(a_plugin_whose_kind_is_not_served_is_parked_alone),
		cmocka_unit_test(a_plugin_that_refuses_ends_the_start),
		cmocka_unit_test(workers_are_as_many_as_told_or_wished),
		cmocka_unit_test(a_standby_watches_and_does_not_work),
		cmocka_unit_test(the_first_leader_lists_once),
		cmocka_unit_test(a_leader_that_cannot_catch_up_does_not_lead),
		cmocka_unit_test(who_has_lost_the_lease_writes_nothing),
		cmocka_unit_test(an_orderly_end_lets_reconciles_end_and_gives_the_lease_up),
		cmocka_unit_test(an_abrupt_end_sends_nothing_more),
		cmocka_unit_test(it_may_end_before_anything_is_listed),
		cmocka_unit_test(it_may_be_made_and_not_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
