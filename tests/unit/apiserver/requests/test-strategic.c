/* SPDX-License-Identifier: Apache-2.0 */
/* What strategic merge patches make of built-in kinds. */
#include "config.h"

#include "apiserver/requests/strategic.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/apiserver/store-world.h"

struct merge_case {
	const char *target, *patch, *result;
};

static void check(const struct asb_kind *kind, const struct merge_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP_JSON struct json_object *target = yaml(cases[i].target);
		CLEANUP_JSON struct json_object *patch = yaml(cases[i].patch);
		CLEANUP_JSON struct json_object *expected = yaml(cases[i].result);
		CLEANUP_JSON struct json_object *before = asb_copy(target);
		CLEANUP_JSON struct json_object *given = asb_copy(patch);
		CLEANUP_JSON struct json_object *result = NULL;
		struct error error = { 0 };

		assert_int_equal(strategic_merge(kind, target, patch, &result, &error), 0);
		assert_string_equal(json_object_to_json_string(result),
				    json_object_to_json_string(expected));
		assert_true(json_object_equal(target, before));
		assert_true(json_object_equal(patch, given));
	}
}

static void lists_merge_by_their_keys(void **state)
{
	static const struct merge_case cases[] = {
		{ "spec: {containers: [{name: a, image: x}, {name: b, image: y}]}",
		  "spec: {containers: [{name: b, image: z}]}",
		  "spec: {containers: [{name: a, image: x}, {name: b, image: z}]}" },
		/* What is new, and stands in no order, comes first. */
		{ "spec: {containers: [{name: a}]}", "spec: {containers: [{name: n}]}",
		  "spec: {containers: [{name: n}, {name: a}]}" },
		{ "spec: {containers: [{name: a, ports: [{containerPort: 80, name: w}]}]}",
		  "spec: {containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}]}]}",
		  "spec: {containers: [{name: a, ports: [{containerPort: 80, name: w, protocol: TCP}]}]}" },
		{ "spec: {containers: [{name: a, env: [{name: X, value: '1'}, {name: Y}]}]}",
		  "spec: {containers: [{name: a, env: [{name: X, value: '2'}]}]}",
		  "spec: {containers: [{name: a, env: [{name: X, value: '2'}, {name: Y}]}]}" },
		{ "spec: {containers: [{name: a, volumeMounts: [{mountPath: /a, name: v}]}]}",
		  "spec: {containers: [{name: a, volumeMounts: [{mountPath: /a, readOnly: true}]}]}",
		  "spec: {containers: [{name: a, volumeMounts: [{mountPath: /a, name: v, readOnly: true}]}]}" },
		{ "status: {conditions: [{type: Ready, status: 'False'}, {type: X}]}",
		  "status: {conditions: [{type: Ready, status: 'True'}]}",
		  "status: {conditions: [{type: Ready, status: 'True'}, {type: X}]}" },
		{ "metadata: {ownerReferences: [{uid: u, name: a}]}",
		  "metadata: {ownerReferences: [{uid: u, controller: true}]}",
		  "metadata: {ownerReferences: [{uid: u, name: a, controller: true}]}" },
		/* Lists without a key, and maps. */
		{ "spec: {containers: [{name: a, args: [x, y]}], nodeSelector: {a: b, c: d}}",
		  "spec: {containers: [{name: a, args: [z]}], nodeSelector: {a: null, e: f}}",
		  "spec: {containers: [{name: a, args: [z]}], nodeSelector: {c: d, e: f}}" },
		{ "spec: {tolerations: [{key: a}]}", "spec: {tolerations: [{key: b}]}",
		  "spec: {tolerations: [{key: b}]}" },
	};

	(void)state;
	check(&a_pod, cases, ARRAY_LEN(cases));
}

static void ports_of_services_merge_by_port(void **state)
{
	static const struct merge_case cases[] = {
		{ "spec: {ports: [{port: 80, name: a}, {port: 81}]}",
		  "spec: {ports: [{port: 80, targetPort: 8080}]}",
		  "spec: {ports: [{port: 80, name: a, targetPort: 8080}, {port: 81}]}" },
	};

	(void)state;
	check(&a_service, cases, ARRAY_LEN(cases));
}

static void finalizers_are_a_set(void **state)
{
	static const struct merge_case cases[] = {
		{ "metadata: {finalizers: [a, b]}", "metadata: {finalizers: [b, c]}",
		  "metadata: {finalizers: [a, b, c]}" },
		{ "metadata: {finalizers: [a, b]}",
		  "metadata: {$deleteFromPrimitiveList/finalizers: [a]}",
		  "metadata: {finalizers: [b]}" },
		{ "metadata: {finalizers: [a, b]}",
		  "metadata: {$setElementOrder/finalizers: [c, b], finalizers: [c], $deleteFromPrimitiveList/finalizers: [a]}",
		  "metadata: {finalizers: [c, b]}" },
	};

	(void)state;
	check(&a_map, cases, ARRAY_LEN(cases));
}

static void directives_delete_and_replace(void **state)
{
	static const struct merge_case cases[] = {
		{ "spec: {containers: [{name: a}, {name: b}]}",
		  "spec: {containers: [{$patch: delete, name: a}]}",
		  "spec: {containers: [{name: b}]}" },
		{ "spec: {containers: [{name: a}, {name: b}]}",
		  "spec: {containers: [{$patch: replace}, {name: c}]}",
		  "spec: {containers: [{name: c}]}" },
		{ "spec: {nodeSelector: {a: b}, x: 1}",
		  "spec: {nodeSelector: {$patch: replace, c: d}}",
		  "spec: {nodeSelector: {c: d}, x: 1}" },
		{ "spec: {nodeSelector: {a: b}}", "spec: {nodeSelector: {$patch: delete}}",
		  "spec: {nodeSelector: {}}" },
		/* A source of a volume takes the place of another. */
		{ "spec: {volumes: [{name: v, emptyDir: {}}]}",
		  "spec: {volumes: [{name: v, $retainKeys: [name, configMap], configMap: {name: c}}]}",
		  "spec: {volumes: [{name: v, configMap: {name: c}}]}" },
		/* What is new brings no directives and no nulls. */
		{ "spec: {}", "spec: {volumes: [{name: v, $retainKeys: [name], x: null}]}",
		  "spec: {volumes: [{name: v}]}" },
	};

	(void)state;
	check(&a_pod, cases, ARRAY_LEN(cases));
}

static void an_order_is_kept(void **state)
{
	static const struct merge_case cases[] = {
		/* As kubectl apply adds one at the end. */
		{ "spec: {containers: [{name: a, x: 1}, {name: b}]}",
		  "spec: {$setElementOrder/containers: [{name: a}, {name: b}, {name: c}], containers: [{name: c}]}",
		  "spec: {containers: [{name: a, x: 1}, {name: b}, {name: c}]}" },
		{ "spec: {containers: [{name: a}, {name: b}]}",
		  "spec: {$setElementOrder/containers: [{name: b}, {name: a}]}",
		  "spec: {containers: [{name: b}, {name: a}]}" },
		/* The server's own stays where it was. */
		{ "spec: {containers: [{name: s}, {name: a}]}",
		  "spec: {$setElementOrder/containers: [{name: a}, {name: n}], containers: [{name: n}]}",
		  "spec: {containers: [{name: s}, {name: a}, {name: n}]}" },
		{ "spec: {containers: [{name: a}, {name: b}]}",
		  "spec: {$setElementOrder/containers: [{name: b}], containers: [{$patch: delete, name: a}]}",
		  "spec: {containers: [{name: b}]}" },
		{ "spec: {}", "spec: {$setElementOrder/containers: [{name: b}]}", "spec: {}" },
	};

	(void)state;
	check(&a_pod, cases, ARRAY_LEN(cases));
}

/* Elements that share a merge key: the first one is merged, none is lost. */
static void elements_of_one_merge_key_all_stay(void **state)
{
	static const struct merge_case services[] = {
		{ "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}]}",
		  "spec: {$setElementOrder/ports: [{port: 53}, {port: 53}], ports: [{port: 53, targetPort: 5}]}",
		  "spec: {ports: [{port: 53, protocol: TCP, targetPort: 5}, {port: 53, protocol: UDP}]}" },
		{ "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}]}",
		  "spec: {$setElementOrder/ports: [{port: 53}, {port: 53}], ports: [{port: 53, protocol: TCP}, {port: 53, protocol: TCP}]}",
		  "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}]}" },
		{ "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}, {port: 1}]}",
		  "spec: {ports: [{port: 1, name: x}]}",
		  "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}, {port: 1, name: x}]}" },
		{ "spec: {ports: [{port: 53, protocol: TCP}, {port: 1}, {port: 53, protocol: UDP}]}",
		  "spec: {$setElementOrder/ports: [{port: 1}, {port: 53}, {port: 53}]}",
		  "spec: {ports: [{port: 1}, {port: 53, protocol: TCP}, {port: 53, protocol: UDP}]}" },
		{ "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, protocol: UDP}, {port: 1}]}",
		  "spec: {ports: [{port: 53, $patch: delete}]}", "spec: {ports: [{port: 1}]}" },
		{ "spec: {ports: [{port: 1}]}",
		  "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, nodePort: 9}, {$patch: replace}]}",
		  "spec: {ports: [{port: 53, protocol: TCP}, {port: 53, nodePort: 9}]}" },
	};
	static const struct merge_case pods[] = {
		{ "spec: {containers: [{name: a, env: [{name: X, value: '1'}, {name: X, value: '2'}]}]}",
		  "spec: {containers: [{name: a, env: [{name: Y}], $setElementOrder/env: [{name: X}, {name: X}, {name: Y}]}]}",
		  "spec: {containers: [{name: a, env: [{name: X, value: '1'}, {name: X, value: '2'}, {name: Y}]}]}" },
		{ "spec: {hostAliases: [{ip: '1', hostnames: [a]}, {ip: '1', hostnames: [b]}]}",
		  "spec: {hostAliases: [{ip: '1', hostnames: [c]}]}",
		  "spec: {hostAliases: [{ip: '1', hostnames: [c]}, {ip: '1', hostnames: [b]}]}" },
		{ "spec: {imagePullSecrets: [{name: a}, {name: a}]}",
		  "spec: {imagePullSecrets: [{name: b}], $setElementOrder/imagePullSecrets: [{name: a}, {name: a}, {name: b}]}",
		  "spec: {imagePullSecrets: [{name: a}, {name: a}, {name: b}]}" },
		{ "spec: {imagePullSecrets: [{}, {name: a}]}",
		  "spec: {imagePullSecrets: [{name: b}]}",
		  "spec: {imagePullSecrets: [{name: b}, {name: a}, {}]}" },
		{ "spec: {containers: [{name: a, ports: [{containerPort: 53, protocol: TCP}, {containerPort: 53, protocol: UDP}]}]}",
		  "spec: {containers: [{name: a, image: x}]}",
		  "spec: {containers: [{name: a, ports: [{containerPort: 53, protocol: TCP}, {containerPort: 53, protocol: UDP}], image: x}]}" },
		{ "spec: {topologySpreadConstraints: [{topologyKey: z, whenUnsatisfiable: a}, {topologyKey: z, whenUnsatisfiable: b}]}",
		  "spec: {topologySpreadConstraints: [{topologyKey: z, maxSkew: 2}]}",
		  "spec: {topologySpreadConstraints: [{topologyKey: z, whenUnsatisfiable: a, maxSkew: 2}, {topologyKey: z, whenUnsatisfiable: b}]}" },
	};

	(void)state;
	check(&a_service, services, ARRAY_LEN(services));
	check(&a_pod, pods, ARRAY_LEN(pods));
}

/* A list of so many elements {name: n<i>}. */
static struct json_object *named(size_t count)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *element = json_object_new_object();
		char name[24];

		snprintf(name, sizeof(name), "n%zu", i);
		asb_set_str(element, "name", name);
		json_object_array_add(list, element);
	}
	return list;
}

static void long_lists_merge_and_repeated_ones_are_refused(void **state)
{
	CLEANUP_JSON struct json_object *target = yaml("spec: {containers: [{name: a}]}");
	CLEANUP_JSON struct json_object *patch = yaml("spec: {containers: []}");
	CLEANUP_JSON struct json_object *result = NULL;
	struct json_object *containers = asb_array(patch, "spec", "containers");
	struct error error = { 0 };

	(void)state;
	json_object_object_add(
		json_object_array_get_idx(asb_array(target, "spec", "containers"), 0), "env",
		named(30000));
	json_object_array_add(containers, yaml("{name: a}"));
	json_object_object_add(json_object_array_get_idx(containers, 0), "env", named(30000));
	assert_int_equal(strategic_merge(&a_pod, target, patch, &result, &error), 0);
	assert_true(json_object_equal(result, target));

	/* Each of them is small, and walks over the long list. */
	for (size_t i = 0; i < 1000; i++) {
		json_object_array_add(containers, yaml("{name: a, env: [{name: x}]}"));
	}
	json_object_put(TAKE(result));
	assert_int_equal(strategic_merge(&a_pod, target, patch, &result, &error), 413);
	assert_null(result);
}

static void bad_patches_are_refused(void **state)
{
	static const char *const patches[] = {
		"spec: {containers: [{image: x}]}",
		"spec: {containers: [{$patch: delete}]}",
		"spec: {containers: [{$patch: bad, name: a}]}",
		"spec: {$patch: bad}",
		"spec: {$retainKeys: [a], b: 1}",
		"spec: {$retainKeys: a}",
		"spec: {$setElementOrder/containers: 1}",
		"spec: {$setElementOrder/containers: [{name: b}, {name: a}], containers: [{name: a}, {name: b}]}",
	};
	CLEANUP_JSON struct json_object *target = yaml("spec: {containers: [{name: a}]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
		CLEANUP_JSON struct json_object *patch = yaml(patches[i]);
		struct json_object *result = NULL;
		struct error error = { 0 };

		assert_int_equal(strategic_merge(&a_pod, target, patch, &result, &error), 400);
		assert_null(result);
		assert_true(*error.text != '\0');
	}
}

static void what_a_crd_made_has_none(void **state)
{
	struct store_world *world = *state;

	assert_int_equal(store_create(world, &a_widget, "metadata: {name: w}"), 201);
	assert_int_equal(store_patch(world, &a_widget, "w", PATCH_STRATEGIC, "spec: {a: 1}"), 415);
	assert_string_equal(objects_reason(415, world->error.code), "UnsupportedMediaType");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_merge_by_their_keys),
		cmocka_unit_test(ports_of_services_merge_by_port),
		cmocka_unit_test(finalizers_are_a_set),
		cmocka_unit_test(directives_delete_and_replace),
		cmocka_unit_test(an_order_is_kept),
		cmocka_unit_test(elements_of_one_merge_key_all_stay),
		cmocka_unit_test(long_lists_merge_and_repeated_ones_are_refused),
		cmocka_unit_test(bad_patches_are_refused),
		WITH_STORE(what_a_crd_made_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
