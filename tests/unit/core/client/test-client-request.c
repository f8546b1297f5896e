/* SPDX-License-Identifier: Apache-2.0 */
/* The write verbs of plugin.h as requests: paths, queries, bodies. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/core/client-fixture.h"

#define QUERY "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&timeout=5s"

static const struct asb_kind sandboxes = { "agents.x-k8s.io", "v1alpha1", "sandboxes", "Sandbox" };

/* ---- what is sent ---- */

/* The one request a write becomes. */
static void expect_request(struct client_write write, const char *body, const char *method,
			   const char *path, const char *content_type, const char *sent_body)
{
	const struct step steps[] = { { method, 200, PLAIN_POD }, { 0 } };
	struct fixture f;

	set_up(&f, steps);
	send_write(&f, &write, body);
	assert_int_equal(write.result, ASB_OK);
	assert_int_equal(f.server.count, 1);
	assert_string_equal(f.server.sent[0].path, path);
	assert_string_equal(f.server.sent[0].content_type, content_type);
	assert_string_equal(f.server.sent[0].body, sent_body);
	assert_string_equal(f.server.sent[0].accept,
			    write.metadata_only
				    ? "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
				    : "application/json");
	assert_int_equal(f.server.sent[0].timeout_ms, 5000);
	assert_string_equal(buf_str(&write.response), PLAIN_POD);
	client_write_finish(&write);
	tear_down(&f);
}

static void create_posts_the_body_to_the_collection(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){
			.verb = ASB_CREATE, .kind = &sandboxes, .ns = "n", .metadata_only = true },
		"{\"metadata\":{\"name\":\"a/b\"}}", "POST",
		"/apis/agents.x-k8s.io/v1alpha1/namespaces/n/sandboxes" QUERY, "application/json",
		"{\"metadata\":{\"name\":\"a/b\"}}");
}

static void create_takes_its_place_from_the_body(void **state)
{
	(void)state;
	expect_request((struct client_write){ .verb = ASB_CREATE },
		       "{\"metadata\":{\"name\":\"p\",\"namespace\":\"m\"}}", "POST",
		       "/api/v1/namespaces/m/pods" QUERY, "application/json",
		       "{\"metadata\":{\"name\":\"p\",\"namespace\":\"m\"}}");
}

static void json_patch_tests_the_uid_first(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){
			.verb = ASB_PATCH_JSON, .ns = "n", .name = "p", .uid = "u\"1" },
		"[{\"op\":\"remove\",\"path\":\"/a\"}]", "PATCH",
		"/api/v1/namespaces/n/pods/p" QUERY, "application/json-patch+json",
		"[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\\\"1\"},{\"op\":\"remove\",\"path\":\"/a\"}]");
	expect_request((struct client_write){ .verb = ASB_PATCH_JSON, .ns = "n", .name = "p" },
		       "[{\"op\":\"remove\",\"path\":\"/a\"}]", "PATCH",
		       "/api/v1/namespaces/n/pods/p" QUERY, "application/json-patch+json",
		       "[{\"op\":\"remove\",\"path\":\"/a\"}]");
}

static void merge_patch_carries_uid_and_version_in_its_metadata(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){ .verb = ASB_PATCH_MERGE,
				       .ns = "n",
				       .name = "p",
				       .uid = "u",
				       .resource_version = "7" },
		"{\"spec\":{\"a\":null},\"metadata\":{\"labels\":{\"x\":\"/\"}}}", "PATCH",
		"/api/v1/namespaces/n/pods/p" QUERY, "application/merge-patch+json",
		"{\"spec\":{\"a\":null},\"metadata\":{\"labels\":{\"x\":\"/\"},\"uid\":\"u\",\"resourceVersion\":\"7\"}}");
}

static void merge_patch_leaves_the_callers_tree_alone(void **state)
{
	static const struct step steps[] = { { "PATCH", 200, PLAIN_POD }, { 0 } };
	struct json_object *body = parse("{\"metadata\":{\"labels\":{}}}");
	struct client_write write = { .verb = ASB_PATCH_MERGE,
				      .kind = &pods,
				      .priority = PRIORITY_CLAIM,
				      .ns = "n",
				      .name = "p",
				      .uid = "u",
				      .body = body };
	struct fixture f;

	(void)state;
	set_up(&f, steps);
	client_write_all(f.client, &write, 1);
	assert_string_equal(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
			    "{\"metadata\":{\"labels\":{}}}");
	json_object_put(body);
	client_write_finish(&write);
	tear_down(&f);
}

static void status_is_a_tested_json_patch_on_the_subresource(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){ .verb = ASB_SET_STATUS, .ns = "n", .name = "p", .uid = "u" },
		"{\"phase\":\"x\"}", "PATCH", "/api/v1/namespaces/n/pods/p/status" QUERY,
		"application/json-patch+json",
		"[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},{\"op\":\"add\",\"path\":\"/status\",\"value\":{\"phase\":\"x\"}}]");
}

static void a_patch_of_the_status_goes_to_the_subresource(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){
			.verb = ASB_PATCH_STATUS, .ns = "n", .name = "p", .uid = "u" },
		"[{\"op\":\"test\",\"path\":\"/status\",\"value\":null}]", "PATCH",
		"/api/v1/namespaces/n/pods/p/status" QUERY, "application/json-patch+json",
		"[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u\"},{\"op\":\"test\",\"path\":\"/status\",\"value\":null}]");
}

static void a_foreground_removal_says_so(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){
			.verb = ASB_DELETE, .ns = "n", .name = "p", .foreground = true },
		NULL, "DELETE", "/api/v1/namespaces/n/pods/p?timeout=5s", "application/json",
		"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Foreground\"}");
}

static void remove_sends_preconditions_in_a_body(void **state)
{
	(void)state;
	expect_request(
		(struct client_write){ .verb = ASB_DELETE,
				       .ns = "n",
				       .name = "p",
				       .uid = "u",
				       .resource_version = "7" },
		NULL, "DELETE", "/api/v1/namespaces/n/pods/p?timeout=5s", "application/json",
		"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"u\",\"resourceVersion\":\"7\"},\"propagationPolicy\":\"Background\"}");
	expect_request(
		(struct client_write){
			.verb = ASB_DELETE, .ns = "n", .name = "p", .dry_run = true },
		NULL, "DELETE", "/api/v1/namespaces/n/pods/p?timeout=5s&dryRun=All",
		"application/json",
		"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Background\",\"dryRun\":[\"All\"]}");
}

static void dry_run_is_asked_for(void **state)
{
	(void)state;
	expect_request((struct client_write){ .verb = ASB_CREATE, .ns = "n", .dry_run = true },
		       PLAIN_POD, "POST", "/api/v1/namespaces/n/pods" QUERY "&dryRun=All",
		       "application/json", PLAIN_POD);
}

static void what_a_verb_does_not_allow_is_not_sent(void **state)
{
	static const struct step none[] = { { 0 } };

	(void)state;
	expect(none, ASB_PATCH_JSON, "{}", ASB_INVALID, 0);
	expect(none, ASB_PATCH_STATUS, "{}", ASB_INVALID, 0);
	expect(none, ASB_PATCH_MERGE, "[]", ASB_INVALID, 0);
	expect(none, ASB_CREATE, "[]", ASB_INVALID, 0);
	expect(none, ASB_SET_STATUS, NULL, ASB_INVALID, 0);
	expect(none, 99, "{}", ASB_INVALID, 0);

	struct client_write status = { .verb = ASB_SET_STATUS, .ns = "n", .name = "p" };
	struct client_write nameless = { .verb = ASB_CREATE, .ns = "n" };
	struct fixture f;

	set_up(&f, none);
	send_write(&f, &status, "{}");
	assert_int_equal(status.result, ASB_INVALID);
	send_write(&f, &nameless, "{\"metadata\":{\"generateName\":\"p-\"}}");
	assert_int_equal(nameless.result, ASB_INVALID);
	tear_down(&f);
}

static void a_body_beyond_the_servers_limit_is_not_sent(void **state)
{
	static const struct step none[] = { { 0 } };
	size_t size = 4u << 20;
	char *text = xalloc(size + 1);
	struct client_write write = { .verb = ASB_PATCH_MERGE,
				      .kind = &pods,
				      .priority = PRIORITY_CLAIM,
				      .ns = "n",
				      .name = "p" };
	struct fixture f;

	(void)state;
	memset(text, 'x', size);
	set_up(&f, none);
	write.body = json_object_new_object();
	json_object_object_add(write.body, "a", json_object_new_string(text));
	client_write_all(f.client, &write, 1);
	assert_int_equal(write.result, ASB_INVALID);
	json_object_put(write.body);
	free(text);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_posts_the_body_to_the_collection),
		cmocka_unit_test(create_takes_its_place_from_the_body),
		cmocka_unit_test(json_patch_tests_the_uid_first),
		cmocka_unit_test(merge_patch_carries_uid_and_version_in_its_metadata),
		cmocka_unit_test(merge_patch_leaves_the_callers_tree_alone),
		cmocka_unit_test(status_is_a_tested_json_patch_on_the_subresource),
		cmocka_unit_test(a_patch_of_the_status_goes_to_the_subresource),
		cmocka_unit_test(a_foreground_removal_says_so),
		cmocka_unit_test(remove_sends_preconditions_in_a_body),
		cmocka_unit_test(dry_run_is_asked_for),
		cmocka_unit_test(what_a_verb_does_not_allow_is_not_sent),
		cmocka_unit_test(a_body_beyond_the_servers_limit_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
