/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/apiserver/types-fixture.h"

#include <agent-sandbox/helpers.h>

#include "base/json.h"
#include "base/memory.h"

static struct json_object *get(void *arg, const struct type *type, const char *ns, const char *name)
{
	const struct types_fixture *fixture = arg;
	char key[400];

	(void)ns;
	snprintf(key, sizeof(key), "%s/%s", type->kind.plural, name);
	return asb_at(fixture->kept, key);
}

static int64_t now_ms(void *arg)
{
	(void)arg;
	return TYPES_NOW_MS;
}

static uint64_t next_random(void *arg)
{
	struct types_fixture *fixture = arg;

	return fixture->random++ * UINT64_C(2654435761);
}

int types_fixture_setup(void **state)
{
	struct types_fixture *fixture = xnew(struct types_fixture);
	const struct types_callbacks world = { get, now_ms, next_random, fixture };

	fixture->types = types_create(&world);
	fixture->kept = parsed("{'serviceaccounts/default': {}}");
	fixture->random = 7;
	*state = fixture;
	return 0;
}

int types_fixture_teardown(void **state)
{
	struct types_fixture *fixture = *state;

	type_request_finish(&fixture->request);
	types_destroy(fixture->types);
	json_object_put(fixture->kept);
	free(fixture);
	return 0;
}

struct json_object *parsed(const char *text)
{
	char *copy = xstrdup(text);
	struct json_object *value;
	struct error error = { 0 };

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	value = json_parse(copy, strlen(copy), &error);
	free(copy);
	if (value == NULL) {
		fail_msg("%s: %s", text, error.text);
	}
	return value;
}

struct json_object *admitted(struct types_fixture *fixture, const char *group, const char *plural,
			     const char *text, struct json_object *old, int *ret_status)
{
	struct json_object *object = parsed(text);
	int status;

	type_request_finish(&fixture->request);
	fixture->request = (struct type_request){
		.types = fixture->types,
		.type = types_find(fixture->types, group, "v1", plural),
		.ns = "default",
		.validation = TYPE_VALIDATION_STRICT,
	};
	assert_non_null(fixture->request.type);
	status = type_check_body(&fixture->request, object);
	if (status == 0) {
		status = type_admit(&fixture->request,
				    old != NULL ? TYPE_OP_UPDATE : TYPE_OP_CREATE, object, old);
	}
	*ret_status = status;
	return object;
}

const char *refusal(const struct types_fixture *fixture)
{
	const char *message = asb_str(fixture->request.status, "message");

	return message != NULL ? message : "";
}

void serve_things(struct types_fixture *fixture, const char *schema)
{
	char *text = xprintf(
		"{'metadata': {'name': 'things.t.example'}, 'spec': {'group': 't.example', 'scope': 'Namespaced', 'names': {'plural': 'things', 'kind': 'Thing', 'shortNames': ['th']}, 'versions': [{'name': 'v1', "
		"'served': true, 'storage': true, 'subresources': {'status': {}, 'scale': {'specReplicasPath': '.spec.replicas', 'statusReplicasPath': '.status.replicas'}}, 'schema': {'openAPIV3Schema': %s}}]}}",
		schema);
	struct json_object *crd;
	int status;

	crd = admitted(fixture, "apiextensions.k8s.io", "customresourcedefinitions", text, NULL,
		       &status);
	if (status != 0) {
		fail_msg("%s", refusal(fixture));
	}
	types_stored(fixture->types, fixture->request.type, crd);
	json_object_put(crd);
	free(text);
}
