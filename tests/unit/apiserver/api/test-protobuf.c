/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of apiserver/api/protobuf.h: what kubectl sends is read, and nothing is lost in silence. */
#include "config.h"

#include "apiserver/api/protobuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"

/* The envelope of a kind, and the object in it. */
#define BODY(kind_field, object_field) "k8s\0\x0a" kind_field object_field
#define CONFIG_MAP               \
	"\x0f\x0a\x02v1\x12\x09" \
	"ConfigMap"
#define POD                      \
	"\x09\x0a\x02v1\x12\x03" \
	"Pod"

static struct json_object *parse(const char *data, size_t length, struct error *ret)
{
	*ret = (struct error){ 0 };
	return protobuf_parse(data, length, ret);
}

static void protobuf_reads_a_config_map(void **state)
{
	static const char body[] = BODY(CONFIG_MAP, "\x12\x0e\x0a\x04\x0a\x02"
						    "cm\x12\x06\x0a\x01"
						    "a\x12\x01"
						    "b");
	struct error error;
	CLEANUP_BUF struct buf text = BUF_INIT(10000);
	CLEANUP_JSON struct json_object *object = parse(body, sizeof(body) - 1, &error);

	(void)state;
	assert_string_equal(error.text, "");
	assert_non_null(object);
	assert_int_equal(json_print(object, &text), 0);
	assert_string_equal(
		buf_str(&text),
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"cm\"},\"data\":{\"a\":\"b\"}}");
}

static void protobuf_refuses_kinds_and_fields_that_it_does_not_know(void **state)
{
	static const char pod[] = BODY(POD, "\x12\x00");
	static const char field[] = BODY(CONFIG_MAP, "\x12\x03\x7a\x01x");
	struct error error;

	(void)state;
	assert_null(parse(pod, sizeof(pod) - 1, &error));
	assert_int_equal(error.code, -ENOTSUP);
	assert_non_null(strstr(error.text, "'Pod'"));
	assert_null(parse(field, sizeof(field) - 1, &error));
	assert_int_equal(error.code, -ENOTSUP);
	assert_non_null(strstr(error.text, "field 15"));
}

static void protobuf_refuses_every_body_that_is_cut(void **state)
{
	static const char body[] = BODY(CONFIG_MAP, "\x12\x0e\x0a\x04\x0a\x02"
						    "cm\x12\x06\x0a\x01"
						    "a\x12\x01"
						    "b");
	/* Where one ends behind its envelope's first part, it is a whole body of an empty object. */
	const size_t whole = 4 + 2 + 15;

	(void)state;
	for (size_t length = 0; length < sizeof(body) - 1; length++) {
		struct error error;
		struct json_object *object = parse(body, length, &error);

		assert_true((object != NULL) == (length == whole));
		assert_true(object != NULL || error.code < 0);
		json_object_put(object);
	}
}

static void protobuf_refuses_lengths_beyond_the_end(void **state)
{
	static const char *const bodies[] = { "k8s_\x0a\xff\xff\xff\xff\x0f",
					      "k8s_\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
					      "k8s_\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		size_t length = strlen(bodies[i]);
		struct error error;
		char body[32];

		memcpy(body, bodies[i], length);
		body[3] = '\0';
		assert_null(parse(body, length, &error));
		assert_int_equal(error.code, -EINVAL);
	}
}

static void put_varint(char *body, size_t *length, size_t value)
{
	for (; value >= 0x80; value >>= 7) {
		body[(*length)++] = (char)(0x80 | (value & 0x7f));
	}
	body[(*length)++] = (char)value;
}

/* A ConfigMap with so many empty ownerReferences (two bytes each) in its metadata. */
static struct json_object *parse_owners(size_t count, struct error *ret)
{
	static const char envelope[] = "\x0a\x0f\x0a\x02v1\x12\x09" "ConfigMap\x12";
	size_t metadata = 2 * count, length = 4;
	char *body = calloc(1, 64 + metadata), head[16];
	size_t head_length = 1;
	struct json_object *object;

	assert_non_null(body);
	memcpy(body, "k8s", 4);
	memcpy(body + length, envelope, sizeof(envelope) - 1);
	length += sizeof(envelope) - 1;
	head[0] = 0x0a;
	put_varint(head, &head_length, metadata);
	put_varint(body, &length, head_length + metadata);
	memcpy(body + length, head, head_length);
	length += head_length;
	for (size_t i = 0; i < count; i++) {
		body[length++] = 0x6a;
		body[length++] = 0;
	}
	object = parse(body, length, ret);
	free(body);
	return object;
}

static void protobuf_refuses_more_elements_than_json_may_have(void **state)
{
	struct error error = { 0 };
	struct json_object *object = parse_owners(100000, &error);

	(void)state;
	assert_non_null(object);
	json_object_put(object);
	assert_null(parse_owners(1400000, &error));
	assert_int_equal(error.code, -EINVAL);
	assert_non_null(strstr(error.text, "too many"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf_reads_a_config_map),
		cmocka_unit_test(protobuf_refuses_kinds_and_fields_that_it_does_not_know),
		cmocka_unit_test(protobuf_refuses_every_body_that_is_cut),
		cmocka_unit_test(protobuf_refuses_lengths_beyond_the_end),
		cmocka_unit_test(protobuf_refuses_more_elements_than_json_may_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
