/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/env/env.h: the environment that a kubelet would make. */
#include "config.h"

#include "node/env/env.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/memory.h"
#include "tests/unit/node/node-objects.h"

#define OBJECTS                                                                     \
	"{\"configmaps/ns/cm\":{\"metadata\":{\"name\":\"cm\"},"                    \
	"\"data\":{\"A\":\"from-cm\",\"b.c-d\":\"dots\",\"n\\u00e4\":\"no name\"}," \
	"\"binaryData\":{\"bin\":\"AAE=\"}},"                                       \
	"\"configmaps/ns/plain\":{\"metadata\":{\"name\":\"plain\"},"               \
	"\"data\":{\"A\":\"from-plain\",\"B\":\"2\"}},"                             \
	"\"configmaps/ns/later\":-11,"                                              \
	"\"secrets/ns/s\":{\"metadata\":{\"name\":\"s\"},"                          \
	"\"data\":{\"key\":\"aHVudGVyMg==\",\"zero\":\"YQBi\",\"bad\":\"%%%\"}}}"

#define POD                                                                                       \
	"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u-1\","                     \
	"\"labels\":{\"b\":\"two\",\"a\":\"o\\\"n\\ne\"},\"annotations\":{\"x/y\":\"z\"}},"       \
	"\"spec\":{\"serviceAccountName\":\"sa\",\"containers\":[{\"name\":\"c\",\"resources\":"  \
	"{\"limits\":{\"cpu\":\"1500m\",\"memory\":\"100Mi\"},\"requests\":{\"cpu\":\"250m\"}}}," \
	"{\"name\":\"free\"}]}}"

static const struct env_facts facts = {
	.pod_ip = "10.88.0.5",
	.host_ip = "192.0.2.1",
	.node_name = "node-1",
};

struct made {
	char **strings;
	struct error error;
	int code;
};

static struct made make(const char *container)
{
	struct node_objects objects = { .objects = node_json(OBJECTS) };
	const struct volume_source source = node_objects_source(&objects);
	CLEANUP_JSON struct json_object *pod = node_json(POD);
	CLEANUP_JSON struct json_object *spec = node_json(container);
	struct made made = { 0 };

	made.code = env_make(pod, spec, &facts, &source, &made.strings, &made.error);
	json_object_put(objects.objects);
	return made;
}

static void expect(const char *container, const char *const *lines)
{
	struct made made = make(container);
	size_t i = 0;

	if (made.code < 0) {
		fail_msg("%s", made.error.text);
	}
	for (; lines[i] != NULL; i++) {
		assert_non_null(made.strings[i]);
		assert_string_equal(made.strings[i], lines[i]);
	}
	assert_null(made.strings[i]);
	strings_finish(made.strings);
}
#define EXPECT(container, ...) expect(container, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_error(const char *container, int code, const char *text)
{
	struct made made = make(container);

	assert_int_equal(made.code, code);
	if (strstr(made.error.text, text) == NULL) {
		fail_msg("'%s' is not in '%s'", text, made.error.text);
	}
	assert_null(strstr(made.error.text, "hunter2"));
}

static void a_later_entry_wins_and_env_wins_over_env_from(void **state)
{
	(void)state;
	EXPECT("{\"envFrom\":[{\"configMapRef\":{\"name\":\"plain\"}},{\"configMapRef\":{\"name\":\"cm\"},\"prefix\":\"P_\"},{\"secretRef\":{\"name\":\"none\",\"optional\":true}}],"
	       "\"env\":[{\"name\":\"B\",\"value\":\"x\"},{\"name\":\"C\",\"value\":\"1\"},{\"name\":\"C\",\"value\":\"$(C)$(B)\"}]}",
	       "A=from-plain", "B=x", "P_A=from-cm", "P_b.c-d=dots", "C=1x");
}

static void references_are_expanded_once(void **state)
{
	(void)state;
	EXPECT("{\"env\":[{\"name\":\"A\",\"value\":\"a\"},{\"name\":\"B\",\"value\":\"$(A) $$(A) $(NO) $A $ $( $$$(A) $(LATER) $()\"},{\"name\":\"LATER\",\"value\":\"$$(A)\"},{\"name\":\"D\",\"value\":\"$(LATER)\"},"
	       "{\"name\":\"E\"},{\"name\":\"F\",\"value\":\"end$\"}]}",
	       "A=a", "B=a $(A) $(NO) $A $ $( $$$(A) $(LATER) $()", "LATER=$(A)", "D=$(A)",
	       "E=", "F=end$");
}

static void values_come_from_keys_fields_and_resources(void **state)
{
	(void)state;
	EXPECT("{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"1500m\"}},\"env\":[{\"name\":\"S\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"key\"}}},"
	       "{\"name\":\"M\",\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"cm\",\"key\":\"A\"}}},{\"name\":\"O\",\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"cm\",\"key\":\"zz\",\"optional\":true}}},"
	       "{\"name\":\"IP\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"status.podIP\"}}},{\"name\":\"N\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.nodeName\"}}},"
	       "{\"name\":\"L\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.labels['b']\"}}},{\"name\":\"NL\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.labels['none']\"}}},"
	       "{\"name\":\"AN\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.annotations['x/y']\"}}},{\"name\":\"SA\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.serviceAccountName\"}}},"
	       "{\"name\":\"CPU\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.cpu\"}}},{\"name\":\"REF\",\"value\":\"$(S)-$(CPU)\"}]}",
	       "S=hunter2", "M=from-cm", "IP=10.88.0.5", "N=node-1", "L=two", "NL=", "AN=z",
	       "SA=sa", "CPU=2", "REF=hunter2-2");
}

static void errors_are_a_kubelets_and_hold_no_values(void **state)
{
	(void)state;
	expect_error("{\"envFrom\":[{\"configMapRef\":{\"name\":\"none\"}}]}", -EAGAIN,
		     "configmap \"none\" not found");
	expect_error("{\"envFrom\":[{\"configMapRef\":{\"name\":\"later\"}}]}", -EAGAIN,
		     "couldn't get configmap \"ns/later\"");
	expect_error(
		"{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"none\",\"key\":\"k\"}}}]}",
		-EAGAIN, "secret \"none\" not found");
	expect_error(
		"{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}]}",
		-EAGAIN, "couldn't find key k in Secret ns/s");
	expect_error(
		"{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"zero\"}}}]}",
		-EAGAIN, "NUL");
	expect_error(
		"{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"bad\"}}}]}",
		-EAGAIN, "base64");
	expect_error("{\"env\":[{\"name\":\"A=B\",\"value\":\"x\"}]}", -EINVAL, "'A=B'");
	expect_error(
		"{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.containers\"}}}]}",
		-EINVAL, "unsupported fieldPath: spec.containers");
	expect_error("{\"env\":[{\"name\":\"X\",\"valueFrom\":{\"other\":{}}}]}", -EINVAL,
		     "valueFrom");
}

static void an_environment_has_a_ceiling(void **state)
{
	CLEANUP_BUF struct buf text = BUF_INIT(16u << 20);

	(void)state;
	buf_append_str(&text, "{\"env\":[{\"name\":\"V0\",\"value\":\"xxxxxxxxxxxxxxxx\"}");
	for (int i = 1; i < 40; i++) {
		buf_printf(&text, ",{\"name\":\"V%d\",\"value\":\"$(V%d)$(V%d)\"}", i, i - 1,
			   i - 1);
	}
	buf_append_str(&text, "]}");
	expect_error(buf_str(&text), -EINVAL, "larger than");
}

static void commands_are_expanded(void **state)
{
	CLEANUP_JSON struct json_object *array = node_json("[\"sh\",\"$(A)\",\"$$(A)\",\"$(B)\"]");
	CLEANUP_JSON struct json_object *empty = node_json("[]");
	static const char *const env[] = { "A=1", "AB=2", "A=3", NULL };
	char **strings = env_expand(array, env);

	(void)state;
	assert_string_equal(strings[0], "sh");
	assert_string_equal(strings[1], "3");
	assert_string_equal(strings[2], "$(A)");
	assert_string_equal(strings[3], "$(B)");
	assert_null(strings[4]);
	strings_finish(strings);
	assert_null(env_expand(empty, env));
	assert_null(env_expand(NULL, env));
	strings = env_expand(array, NULL);
	assert_string_equal(strings[1], "$(A)");
	strings_finish(strings);
}

static void fields_of_volumes_are_lines_in_order(void **state)
{
	CLEANUP_JSON struct json_object *pod = node_json(POD);
	CLEANUP_FREE char *text = NULL;

	(void)state;
	assert_int_equal(env_field(pod, "metadata.labels", NULL, &text, NULL), 0);
	assert_string_equal(text, "a=\"o\\\"n\\ne\"\nb=\"two\"");
	/* There is no address yet when volumes are made. */
	assert_int_equal(env_field(pod, "status.podIP", NULL, &text, NULL), -EINVAL);
}

static char *resource(struct json_object *pod, const char *ref)
{
	CLEANUP_JSON struct json_object *parsed = node_json(ref);
	char *text = NULL;
	struct error error = { 0 };

	if (env_resource(pod, NULL, parsed, &text, &error) < 0) {
		return xprintf("error: %s", error.text);
	}
	return text;
}

static void resources_are_divided_and_rounded_up(void **state)
{
	static const struct {
		const char *ref, *text;
	} cases[] = {
		{ "{\"containerName\":\"c\",\"resource\":\"limits.cpu\"}", "2" },
		{ "{\"containerName\":\"c\",\"resource\":\"limits.cpu\",\"divisor\":\"1m\"}",
		  "1500" },
		{ "{\"containerName\":\"c\",\"resource\":\"limits.memory\",\"divisor\":\"1Mi\"}",
		  "100" },
		{ "{\"containerName\":\"c\",\"resource\":\"limits.memory\",\"divisor\":\"0\"}",
		  "104857600" },
		{ "{\"containerName\":\"c\",\"resource\":\"limits.memory\",\"divisor\":\"1Gi\"}",
		  "1" },
		{ "{\"containerName\":\"c\",\"resource\":\"requests.cpu\",\"divisor\":\"1m\"}",
		  "250" },
		{ "{\"containerName\":\"c\",\"resource\":\"requests.memory\",\"divisor\":\"1Mi\"}",
		  "100" },
		{ "{\"containerName\":\"free\",\"resource\":\"requests.memory\"}", "0" },
		{ "{\"containerName\":\"c\",\"resource\":\"limits.pods\"}",
		  "error: unsupported container resource: limits.pods" },
		{ "{\"containerName\":\"zz\",\"resource\":\"limits.cpu\"}",
		  "error: a resourceFieldRef names no container of the pod" },
	};
	CLEANUP_JSON struct json_object *pod = node_json(POD);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *text = resource(pod, cases[i].ref);

		assert_string_equal(text, cases[i].text);
	}
	/* Without a limit: what the machine has. */
	CLEANUP_FREE char *cpu =
		resource(pod, "{\"containerName\":\"free\",\"resource\":\"limits.cpu\"}");

	assert_string_not_equal(cpu, "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_entry_wins_and_env_wins_over_env_from),
		cmocka_unit_test(references_are_expanded_once),
		cmocka_unit_test(values_come_from_keys_fields_and_resources),
		cmocka_unit_test(errors_are_a_kubelets_and_hold_no_values),
		cmocka_unit_test(an_environment_has_a_ceiling),
		cmocka_unit_test(commands_are_expanded),
		cmocka_unit_test(fields_of_volumes_are_lines_in_order),
		cmocka_unit_test(resources_are_divided_and_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
