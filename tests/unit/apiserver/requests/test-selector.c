/* SPDX-License-Identifier: Apache-2.0 */
/* What selectors select, and how they are refused. */
#include "config.h"

#include "apiserver/requests/selector.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

/* The names of the objects that a selector selects, in order, with blanks between. */
static const char *selected(struct store_world *world, const struct asb_kind *kind,
			    const char *labels, const char *fields, char ret[256])
{
	CLEANUP(selector_release) struct selector *selector = NULL;
	struct list_page page = { 0 };

	assert_int_equal(
		selector_create(world->objects, kind, labels, fields, &selector, &world->error), 0);
	assert_int_equal(list_read(world->objects, kind,
				   &(struct list_options){ .ns = "default", .selector = selector },
				   &page, &world->error),
			 200);
	*ret = '\0';
	for (size_t i = 0; i < page.count; i++) {
		strncat(ret, *ret != '\0' ? " " : "", 255 - strlen(ret));
		strncat(ret, objects_state_name(page.states[i]), 255 - strlen(ret));
	}
	list_page_finish(&page);
	return ret;
}

static int refused(struct store_world *world, const char *labels, const char *fields)
{
	CLEANUP(selector_release) struct selector *selector = NULL;

	return selector_create(world->objects, &a_pod, labels, fields, &selector, &world->error);
}

static void make_pods(struct store_world *world)
{
	assert_int_equal(store_create(world, &a_pod,
				      "metadata: {name: a, labels: {app: web, n: '5'}}\n"
				      "spec: {nodeName: one, restartPolicy: Always}"),
			 201);
	assert_int_equal(store_create(world, &a_pod,
				      "metadata: {name: b, labels: {app: db, x.io/t: ''}}\n"
				      "spec: {restartPolicy: Never}"),
			 201);
	assert_int_equal(store_create(world, &a_pod, "metadata: {name: c}\nspec: {}"), 201);
	struct request request = request_for(&a_pod, "b");
	CLEANUP_JSON struct json_object *patch = yaml("status: {phase: Running, podIP: 10.0.0.7}");

	request.subresource = "status";
	assert_int_equal(
		request_patch(world->objects, &request, PATCH_MERGE, patch, NULL, &world->error),
		200);
}

static void labels_are_selected_in_all_forms(void **state)
{
	static const struct {
		const char *selector, *names;
	} cases[] = {
		{ "", "a b c" },
		{ "app=web", "a" },
		{ "app==web", "a" },
		{ "app = web", "a" },
		{ "app!=web", "b c" },
		{ "app", "a b" },
		{ "!app", "c" },
		{ "app in (web,db)", "a b" },
		{ "app in ( web , db ),n", "a" },
		{ "app notin (web)", "b c" },
		{ "x.io/t=", "b" },
		{ "x.io/t", "b" },
		{ "x.io/t in ()", "b" },
		{ "n>4", "a" },
		{ "n > 5", "" },
		{ "n<6", "a" },
		{ "app=web,app=db", "" },
		{ "app,!n", "b" },
		{ "in in (in)", "" },
	};
	struct store_world *world = *state;
	char names[256];

	make_pods(world);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(selected(world, &a_pod, cases[i].selector, NULL, names),
				    cases[i].names);
	}
}

static void fields_are_selected(void **state)
{
	static const struct {
		const char *selector, *names;
	} cases[] = {
		{ "metadata.name=b", "b" },
		{ "metadata.name!=b", "a c" },
		{ "metadata.namespace=default,spec.nodeName=one", "a" },
		{ "spec.nodeName=", "b c" },
		{ "status.phase==Running", "b" },
		{ "status.podIP=10.0.0.7", "b" },
		{ "spec.restartPolicy!=Never", "a c" },
		{ "spec.nodeName=a\\,b", "" },
		{ "spec.hostNetwork=false", "a b c" },
		{ ",", "a b c" },
	};
	struct store_world *world = *state;
	char names[256];

	make_pods(world);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(selected(world, &a_pod, NULL, cases[i].selector, names),
				    cases[i].names);
	}
}

static void selectors_that_are_none_are_refused(void **state)
{
	static const char *const labels[] = { "a in",      "a in (b", "a in b",     "=",
					      "a,",        "a b",     "a=b c",      ",a",
					      "!",         "a>b",     "a=-b",       "-a=b",
					      "A_/b=c",    "a/b/c",   "a in (b c)", "a=b,!c=d",
					      "a notin(b", "a==b==c" };
	static const char *const fields[] = { "spec.foo=a", "metadata.name", "a=b",
					      "status.phase" };
	struct store_world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		assert_int_equal(refused(world, labels[i], NULL), 400);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		assert_int_equal(refused(world, NULL, fields[i]), 400);
	}
	assert_int_equal(refused(world, NULL, "spec.foo=a"), 400);
	assert_string_equal(world->error.text, "field label not supported: spec.foo");
	assert_int_equal(refused(world, "a in", NULL), 400);
	assert_string_equal(world->error.text,
			    "unable to parse requirement: found '', expected: '('");
}

static void a_crd_adds_fields(void **state)
{
	struct store_world *world = *state;
	char names[256];

	assert_int_equal(store_create(world, &a_widget, "metadata: {name: r}\nspec: {color: red}"),
			 201);
	assert_int_equal(
		store_create(world, &a_widget, "metadata: {name: g}\nspec: {color: green}"), 201);
	assert_string_equal(selected(world, &a_widget, NULL, "spec.color=red", names), "r");
}

static void events_are_selected_in_both_shapes(void **state)
{
	struct store_world *world = *state;
	char names[256];

	assert_int_equal(
		store_create(world, &an_event,
			     "metadata: {name: e}\ninvolvedObject: {kind: Pod, name: p}\n"
			     "reason: Started\ntype: Normal\nsource: {component: kubelet}"),
		201);
	assert_string_equal(selected(world, &an_event, NULL,
				     "involvedObject.name=p,reason=Started,source=kubelet", names),
			    "e");
	assert_string_equal(selected(world, &other_event, NULL, "regarding.name=p", names), "e");
	assert_string_equal(selected(world, &other_event, NULL, "regarding.name=q", names), "");
}

static void label_selectors_of_objects_match(void **state)
{
	static const struct {
		const char *selector;
		bool matches;
	} cases[] = {
		{ "{}", true },
		{ "matchLabels: {a: b}", true },
		{ "matchLabels: {a: c}", false },
		{ "a: b", true },
		{ "matchExpressions: [{key: a, operator: In, values: [x, b]}]", true },
		{ "matchExpressions: [{key: a, operator: NotIn, values: [b]}]", false },
		{ "matchExpressions: [{key: z, operator: DoesNotExist}]", true },
		{ "matchExpressions: [{key: z, operator: Exists}]", false },
		{ "matchExpressions: [{key: a, operator: Bad}]", false },
	};
	CLEANUP_JSON struct json_object *object = yaml("metadata: {labels: {a: b}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_JSON struct json_object *selector = yaml(cases[i].selector);

		assert_int_equal(selector_object_matches(selector, object), cases[i].matches);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(labels_are_selected_in_all_forms),
		WITH_STORE(fields_are_selected),
		WITH_STORE(selectors_that_are_none_are_refused),
		WITH_STORE(a_crd_adds_fields),
		WITH_STORE(events_are_selected_in_both_shapes),
		cmocka_unit_test(label_selectors_of_objects_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
