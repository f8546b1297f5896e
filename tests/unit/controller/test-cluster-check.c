/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of controller/cluster-check.h: what is asked, what counts as an answer, and the words. */
#include "config.h"

#include "controller/cluster-check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/core-script.h"

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
#define NOT_FOUND "{'kind':'Status','reason':'NotFound','message':'not found'}"
#define REFUSED "{'kind':'Status','reason':'Forbidden','message':'user may not get it'}"
#define WEBHOOK "{'spec':{'conversion':{'strategy':'Webhook'},'versions':[]}}"
#define LEASE(holder, renewed)                                                                 \
	"{'kind':'Lease','metadata':{'resourceVersion':'1'},'spec':{'holderIdentity':'" holder \
	"','leaseDurationSeconds':15,'renewTime':'" renewed "'}}"

static const char *const names[LEADER_LEASES_MAX] = { "old", "new" };

struct fixture {
	struct sched *sched;
	struct script script;
	struct client *client;
	struct cluster_check check;
	struct error error;
};

static void set_up(struct fixture *f)
{
	/* 2023-11-14T22:13:20Z */
	*f = (struct fixture){ .sched = sched_create_simulation(1, INT64_C(1700000000000000)) };
	script_init(&f->script, f->sched);
	f->client = client_create(&(struct client_config){
		.sched = f->sched, .transport = &f->script.transport, .slots = 4 });
}

static void tear_down(struct fixture *f)
{
	client_stop(f->client);
	f->script.transport.ops->stop(&f->script.transport);
	client_destroy(f->client);
	script_finish(&f->script);
	sched_destroy(f->sched);
}

static void expect_words(const struct fixture *f, const char *const *words)
{
	struct buf text = BUF_INIT(65536);

	cluster_check_print(&f->check, &text);
	for (; *words != NULL; words++) {
		if (strstr(buf_str(&text), *words) == NULL) {
			fail_msg("no '%s' in: %s", *words, buf_str(&text));
		}
	}
	buf_finish(&text);
}

static void without_extensions_one_definition_is_read(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "GET " CRDS "sandboxes.agents.x-k8s.io", 404, NOT_FOUND);
	assert_int_equal(cluster_check_crds(f.client, false, &f.check, &f.error), 0);
	assert_int_equal(f.script.sent_count, 1);
	assert_false(cluster_check_harms(&f.check) || cluster_check_is_partial(&f.check));
	expect_words(&f, (const char *const[]){ "sandboxes.agents.x-k8s.io: not there",
						"Result: this controller may start.", NULL });
	tear_down(&f);
}

static void one_bad_definition_is_enough_to_refuse(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "sandboxclaims", 200, WEBHOOK);
	script_response(&f.script, "GET", 404, NOT_FOUND);
	script_response(&f.script, "GET", 404, NOT_FOUND);
	script_response(&f.script, "GET", 404, NOT_FOUND);
	assert_int_equal(cluster_check_crds(f.client, true, &f.check, &f.error), 0);
	assert_int_equal(f.script.sent_count, CRD_KINDS);
	assert_true(cluster_check_harms(&f.check));
	expect_words(&f, (const char *const[]){ "by a webhook", "does not start here", NULL });
	tear_down(&f);
}

static void what_is_refused_is_part_of_the_result(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "GET", 403, REFUSED);
	assert_int_equal(cluster_check_crds(f.client, false, &f.check, &f.error), 0);
	assert_true(cluster_check_is_partial(&f.check));
	assert_false(cluster_check_harms(&f.check));
	expect_words(&f, (const char *const[]){ "cannot be read", "user may not get it",
						"verb get for customresourcedefinitions", NULL });
	tear_down(&f);
}

static void without_an_answer_there_is_no_result(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "GET", -ECONNREFUSED, "");
	assert_int_equal(cluster_check_crds(f.client, false, &f.check, &f.error), -EAGAIN);
	assert_true(strlen(f.error.text) > 0);
	script_response(&f.script, "GET", 500, "");
	assert_int_equal(cluster_check_crds(f.client, false, &f.check, &f.error), -EAGAIN);
	tear_down(&f);
}

static void leases_are_live_while_they_last(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "/namespaces/ns/leases/old", 200,
			LEASE("a", "2023-11-14T22:13:00.000000Z"));
	script_response(&f.script, "/namespaces/ns/leases/new", 200,
			LEASE("b", "2023-11-14T22:13:10.000000Z"));
	assert_int_equal(cluster_check_leases(f.client, f.sched, "ns", names, &f.check, &f.error),
			 0);
	assert_false(f.check.leases[0].live);
	assert_true(f.check.leases[1].live);
	expect_words(&f, (const char *const[]){ "lease old: was held by 'a', renewed 20 s ago",
						"lease new: held by 'b', renewed 10 s ago",
						"it waits as long as 'b' renews its lease", NULL });
	tear_down(&f);
}

static void a_lease_without_a_holder_holds_nobody_up(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.script, "leases/old", 200, LEASE("", "2023-11-14T22:13:20Z"));
	script_response(&f.script, "leases/new", 200, "{'kind':'Lease'}");
	assert_int_equal(cluster_check_leases(f.client, f.sched, "ns", names, &f.check, &f.error),
			 0);
	expect_words(&f, (const char *const[]){ "lease old: held by nobody",
						"lease new: held by nobody",
						"Result: this controller may start.", NULL });
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_extensions_one_definition_is_read),
		cmocka_unit_test(one_bad_definition_is_enough_to_refuse),
		cmocka_unit_test(what_is_refused_is_part_of_the_result),
		cmocka_unit_test(without_an_answer_there_is_no_result),
		cmocka_unit_test(leases_are_live_while_they_last),
		cmocka_unit_test(a_lease_without_a_holder_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
