/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of plugin.h about writes: what is sent, what is in the store when a write returns, and
 * what it wakes. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/controller/controller-private.h"
#include "tests/unit/core/controller-fixture.h"
#include "tests/unit/core/core-fixture.h"

#define OBJECT(kind, name, version, rest)                                \
	"{'apiVersion':'v1','kind':'" kind "','metadata':{'name':'" name \
	"','namespace':'n','uid':'u-" name "','resourceVersion':'" version "'}" rest "}"
#define GONE "{'kind':'Status','apiVersion':'v1','status':'Success'}"
#define NOT_FOUND                                                                                  \
	"{'kind':'Status','apiVersion':'v1','status':'Failure','reason':'NotFound','message':'no " \
	"such pod'}"

/* A call for n/w of a rig with n/w and n/p stored. */
struct fixture {
	struct rig rig;
	struct call call;
};

static void set_up(struct fixture *f)
{
	rig_init(&f->rig);
	rig_put(&f->rig, WIDGET, "w", 5, "", ",'spec':{'pod':'n/p'},'status':{'phase':'Old'}");
	rig_put(&f->rig, POD, "p", 6, ",'labels':{'colour':'red'}",
		",'status':{'phase':'Running'}");
	expect_keys(&f->rig, "n/w");
	call_begin(&f->call, f->rig.controller, "n", "w");
}

static void tear_down(struct fixture *f)
{
	call_finish(&f->call);
	rig_finish(&f->rig);
}

static struct json_object *tree(const char *quoted)
{
	CLEANUP_FREE char *text = json_text("%s", quoted);
	struct json_object *value = json_parse(text, strlen(text), NULL);

	assert_non_null(value);
	return value;
}

static int32_t write_one(struct fixture *f, struct asb_write *write)
{
	int32_t result = f->call.base.host->write_all(&f->call.base, write, 1);

	assert_int_equal(result, write->result);
	assert_null(write->take_body);
	assert_non_null(write->message);
	return result;
}

static struct json_object *stored(struct fixture *f, uint32_t watch, const char *name)
{
	return f->call.base.host->get(&f->call.base, watch, "n", name);
}

static void a_creation_is_in_the_store_when_it_returns_and_wakes(void **state)
{
	struct asb_write write = { .verb = ASB_CREATE, .watch = POD };
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "POST /api/v1/namespaces/n/pods?", 201,
			OBJECT("Pod", "p2", "9", ",'status':{'phase':'Pending'}"));
	write.take_body = tree(
		"{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p2','namespace':'n','ownerReferences':[{'apiVersion':'example.com/v1','kind':'Widget','name':'w','uid':'u-w','controller':true}]}}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_int_equal(write.http_status, 201);
	assert_string_equal(write.message, "");
	assert_string_equal(asb_str(write.ret, "metadata", "resourceVersion"), "9");
	assert_string_equal(asb_str(stored(&f, POD, "p2"), "status", "phase"), "Pending");
	tear_down(&f);
}

static void what_a_write_wakes_is_what_its_event_would(void **state)
{
	struct asb_write write = {
		.verb = ASB_PATCH_MERGE, .watch = POD, .ns = "n", .name = "p", .uid = "u-p"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "PATCH /api/v1/namespaces/n/pods/p?", 200,
			OBJECT("Pod", "p", "9", ",'status':{'phase':'Running'}"));
	write.take_body = tree("{'metadata':{'labels':null}}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	expect_keys(&f.rig, "n/w"); /* by index by-pod */
	/* The event that repeats the response is silent. */
	rig_put(&f.rig, POD, "p", 9, "", ",'status':{'phase':'Running'}");
	expect_keys(&f.rig, "");
	tear_down(&f);
}

static void a_status_that_is_stored_already_is_not_sent(void **state)
{
	struct asb_write write = {
		.verb = ASB_SET_STATUS, .watch = WIDGET, .ns = "n", .name = "w", .uid = "u-w"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	write.take_body = tree("{'phase':'Old'}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_int_equal(write.http_status, 0);
	assert_null(write.ret);
	assert_int_equal(f.rig.script.sent_count, 0);
	tear_down(&f);
}

static void a_status_that_differs_is_sent_and_stored(void **state)
{
	struct asb_write write = {
		.verb = ASB_SET_STATUS, .watch = WIDGET, .ns = "n", .name = "w", .uid = "u-w"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "PATCH /apis/example.com/v1/namespaces/n/widgets/w/status?",
			200, OBJECT("Widget", "w", "9", ",'status':{'phase':'New'}"));
	write.take_body = tree("{'phase':'New'}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_string_equal(asb_str(stored(&f, WIDGET, "w"), "status", "phase"), "New");
	expect_keys(&f.rig, "n/w");
	write.take_body = tree("{'phase':'New'}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_int_equal(f.rig.script.sent_count, 1);
	tear_down(&f);
}

static void a_status_of_another_object_of_that_name_is_sent(void **state)
{
	struct asb_write write = {
		.verb = ASB_SET_STATUS, .watch = WIDGET, .ns = "n", .name = "w", .uid = "another"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "PATCH", 422,
			"{'kind':'Status','code':422,'message':'test failed'}");
	write.take_body = tree("{'phase':'Old'}");
	assert_int_equal(write_one(&f, &write), ASB_INVALID);
	assert_non_null(strstr(write.message, "test failed"));
	assert_int_equal(write.http_status, 422);
	assert_null(write.ret);
	tear_down(&f);
}

static void a_status_of_which_only_a_part_is_stored_is_sent(void **state)
{
	struct asb_write write = {
		.verb = ASB_SET_STATUS, .watch = POD, .ns = "n", .name = "p", .uid = "u-p"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "PATCH", 200,
			OBJECT("Pod", "p", "9", ",'status':{'phase':'Running'}"));
	write.take_body =
		tree("{'phase':'Running'}"); /* there may be more on the server, to be replaced */
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_int_equal(f.rig.script.sent_count, 1);
	tear_down(&f);
}

static void a_removal_that_is_done_marks_the_object(void **state)
{
	struct asb_write write = {
		.verb = ASB_DELETE, .watch = POD, .ns = "n", .name = "p", .uid = "u-p"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "DELETE /api/v1/namespaces/n/pods/p?", 200, GONE);
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_true(asb_deleting(stored(&f, POD, "p")));
	expect_keys(&f.rig, "n/w");
	rig_delete(&f.rig, POD, "p", 9);
	assert_null(stored(&f, POD, "p"));
	tear_down(&f);
}

static void a_removal_that_takes_its_time_stores_the_answer(void **state)
{
	struct asb_write write = { .verb = ASB_DELETE, .watch = POD, .ns = "n", .name = "p" };
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(
		&f.rig.script, "DELETE", 200,
		"{'kind':'Pod','metadata':{'name':'p','namespace':'n','uid':'u-p','resourceVersion':'9','deletionTimestamp':'2030-01-01T00:00:00Z'}}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_string_equal(asb_str(stored(&f, POD, "p"), "metadata", "deletionTimestamp"),
			    "2030-01-01T00:00:00Z");
	tear_down(&f);
}

static void removing_what_is_gone_marks_it_too(void **state)
{
	struct asb_write write = {
		.verb = ASB_DELETE, .watch = POD, .ns = "n", .name = "p", .uid = "u-p"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "DELETE", 404, NOT_FOUND);
	assert_int_equal(write_one(&f, &write), ASB_NOT_FOUND);
	assert_true(asb_deleting(stored(&f, POD, "p")));
	tear_down(&f);
}

static void a_removal_that_fails_marks_nothing(void **state)
{
	struct asb_write write = {
		.verb = ASB_DELETE, .watch = POD, .ns = "n", .name = "p", .uid = "u-p"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "DELETE", 409,
			"{'kind':'Status','reason':'Conflict','message':'uid'}");
	assert_int_equal(write_one(&f, &write), ASB_CONFLICT);
	script_response(&f.rig.script, "DELETE", -ECONNRESET, "");
	assert_int_equal(write_one(&f, &write), ASB_UNREACHABLE);
	assert_false(asb_deleting(stored(&f, POD, "p")));
	expect_keys(&f.rig, "");
	tear_down(&f);
}

static void a_dry_run_stores_nothing(void **state)
{
	struct asb_write writes[] = {
		{ .verb = ASB_CREATE, .watch = POD, .flags = ASB_DRY_RUN },
		{ .verb = ASB_PATCH_MERGE,
		  .watch = POD,
		  .flags = ASB_DRY_RUN,
		  .ns = "n",
		  .name = "p" },
		{ .verb = ASB_DELETE, .watch = POD, .flags = ASB_DRY_RUN, .ns = "n", .name = "p" },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "POST", 201, OBJECT("Pod", "p2", "9", ""));
	script_response(&f.rig.script, "PATCH", 200,
			OBJECT("Pod", "p", "9", ",'status':{'phase':'Failed'}"));
	script_response(&f.rig.script, "DELETE", 200, GONE);
	writes[0].take_body = tree("{'metadata':{'name':'p2','namespace':'n'}}");
	writes[1].take_body = tree("{'metadata':{}}");
	assert_int_equal(f.call.base.host->write_all(&f.call.base, writes, 3), ASB_OK);
	assert_int_equal(script_count(&f.rig.script, "dryRun=All"), 3);
	assert_string_equal(asb_name(writes[0].ret), "p2");
	assert_null(stored(&f, POD, "p2"));
	assert_string_equal(asb_str(stored(&f, POD, "p"), "status", "phase"), "Running");
	assert_false(asb_deleting(stored(&f, POD, "p")));
	expect_keys(&f.rig, "");
	tear_down(&f);
}

static void writes_go_together_and_each_has_its_result(void **state)
{
	struct asb_write writes[] = {
		{ .verb = ASB_SET_STATUS, .watch = WIDGET, .ns = "n", .name = "w", .uid = "u-w" },
		{ .verb = ASB_PATCH_MERGE, .watch = POD, .ns = "n", .name = "missing" },
		{ .verb = ASB_CREATE, .watch = SECRET },
		{ .verb = ASB_DELETE, .watch = SECRET, .ns = "n", .name = "s" },
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "pods/missing", 404, NOT_FOUND);
	script_response(&f.rig.script, "POST /api/v1/namespaces/n/secrets", 201,
			OBJECT("Secret", "s2", "9", ",'data':{'k':'v'}"));
	script_response(&f.rig.script, "DELETE /api/v1/namespaces/n/secrets/s", 403,
			"{'kind':'Status','message':'no'}");
	writes[0].take_body = tree("{'phase':'Old'}");
	writes[1].take_body = tree("{'metadata':{}}");
	writes[2].take_body = tree("{'metadata':{'name':'s2','namespace':'n'},'data':{'k':'v'}}");
	assert_int_equal(f.call.base.host->write_all(&f.call.base, writes, 4), ASB_NOT_FOUND);
	assert_int_equal(writes[0].result, ASB_OK);
	assert_int_equal(writes[1].result, ASB_NOT_FOUND);
	assert_non_null(strstr(writes[1].message, "no such pod"));
	assert_int_equal(writes[2].result, ASB_OK);
	/* Of a kind that is not watched the whole answer. */
	assert_string_equal(asb_str(writes[2].ret, "data", "k"), "v");
	assert_int_equal(writes[3].result, ASB_FORBIDDEN);
	assert_int_equal(f.rig.script.sent_count, 3);
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		assert_null(writes[i].take_body);
	}
	tear_down(&f);
}

static void no_writes_are_fine(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(f.call.base.host->write_all(&f.call.base, NULL, 0), ASB_OK);
	tear_down(&f);
}

static void a_kind_of_which_metadata_is_read_is_answered_so(void **state)
{
	struct asb_write write = { .verb = ASB_CREATE, .watch = SERVICE };
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(
		&f.rig.script, "POST", 201,
		"{'kind':'PartialObjectMetadata','apiVersion':'meta.k8s.io/v1','metadata':{'name':'s','namespace':'n','uid':'u','resourceVersion':'9'}}");
	write.take_body = tree("{'metadata':{'name':'s','namespace':'n'}}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_non_null(strstr(f.rig.script.sent[0].accept, "as=PartialObjectMetadata"));
	assert_string_equal(asb_str(write.ret, "kind"), "Service");
	assert_string_equal(asb_uid(stored(&f, SERVICE, "s")), "u");
	tear_down(&f);
}

static void a_status_without_a_namespace_is_compared_too(void **state)
{
	struct asb_write write = {
		.verb = ASB_SET_STATUS, .watch = WIDGET, .ns = NULL, .name = "global", .uid = "u"
	};
	struct fixture f;

	(void)state;
	set_up(&f);
	CLEANUP_FREE char *text = json_text(
		"{'metadata':{'name':'global','uid':'u','resourceVersion':'8'},'status':{'phase':'Old'}}");

	assert_int_equal(store_event(f.rig.stores[WIDGET], STORE_ADDED, text, strlen(text), NULL),
			 0);
	write.take_body = tree("{'phase':'Old'}");
	assert_int_equal(write_one(&f, &write), ASB_OK);
	assert_int_equal(f.rig.script.sent_count, 0);
	tear_down(&f);
}

/* ---- live reads ---- */

static void a_read_is_live_and_trimmed_like_the_store(void **state)
{
	struct json_object *object = NULL;
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(
		&f.rig.script, "GET /api/v1/namespaces/n/pods/p", 200,
		OBJECT("Pod", "p", "9", ",'spec':{'nodeName':'x'},'status':{'phase':'Failed'}"));
	assert_int_equal((f.call.base.host->get_live)(&f.call.base, POD, "n", "p", &object),
			 ASB_OK);
	assert_string_equal(asb_str(object, "status", "phase"), "Failed");
	assert_string_equal(asb_resource_version(object), "9");
	assert_null(asb_at(object, "spec"));
	/* Not a response to a write: the store has its stream. */
	assert_string_equal(asb_str(stored(&f, POD, "p"), "status", "phase"), "Running");
	tear_down(&f);
}

static void a_read_of_a_kind_that_is_not_watched_is_whole(void **state)
{
	struct json_object *object = NULL;
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "GET /api/v1/namespaces/n/secrets/s", 200,
			OBJECT("Secret", "s", "9", ",'data':{'k':'v'}"));
	assert_int_equal((f.call.base.host->get_live)(&f.call.base, SECRET, "n", "s", &object),
			 ASB_OK);
	assert_string_equal(asb_str(object, "data", "k"), "v");
	tear_down(&f);
}

static void a_read_that_fails_says_how(void **state)
{
	struct json_object *object = json_object_new_object();
	struct json_object *const before = object;
	struct fixture f;

	(void)state;
	set_up(&f);
	script_response(&f.rig.script, "GET", 404, NOT_FOUND);
	script_response(&f.rig.script, "GET", 403, "{'kind':'Status'}");
	script_response(&f.rig.script, "GET", -ECONNRESET, "");
	assert_int_equal((f.call.base.host->get_live)(&f.call.base, POD, "n", "p", &object),
			 ASB_NOT_FOUND);
	assert_null(object);
	assert_int_equal((f.call.base.host->get_live)(&f.call.base, POD, "n", "p", &object),
			 ASB_FORBIDDEN);
	assert_int_equal((f.call.base.host->get_live)(&f.call.base, POD, "n", "p", &object),
			 ASB_UNREACHABLE);
	json_object_put(before);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_creation_is_in_the_store_when_it_returns_and_wakes),
		cmocka_unit_test(what_a_write_wakes_is_what_its_event_would),
		cmocka_unit_test(a_status_that_is_stored_already_is_not_sent),
		cmocka_unit_test(a_status_that_differs_is_sent_and_stored),
		cmocka_unit_test(a_status_of_another_object_of_that_name_is_sent),
		cmocka_unit_test(a_status_of_which_only_a_part_is_stored_is_sent),
		cmocka_unit_test(a_removal_that_is_done_marks_the_object),
		cmocka_unit_test(a_removal_that_takes_its_time_stores_the_answer),
		cmocka_unit_test(removing_what_is_gone_marks_it_too),
		cmocka_unit_test(a_removal_that_fails_marks_nothing),
		cmocka_unit_test(a_dry_run_stores_nothing),
		cmocka_unit_test(writes_go_together_and_each_has_its_result),
		cmocka_unit_test(no_writes_are_fine),
		cmocka_unit_test(a_kind_of_which_metadata_is_read_is_answered_so),
		cmocka_unit_test(a_status_without_a_namespace_is_compared_too),
		cmocka_unit_test(a_read_is_live_and_trimmed_like_the_store),
		cmocka_unit_test(a_read_of_a_kind_that_is_not_watched_is_whole),
		cmocka_unit_test(a_read_that_fails_says_how),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
