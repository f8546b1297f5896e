/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of selectors: label and field selectors are read within bounds, and what is read matches
 * without crashing. How to build it: fuzz.h. The first byte chooses labels or fields, the rest is
 * the text.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>

#include "apiserver/objects/objects.h"
#include "apiserver/requests/selector.h"
#include "base/memory.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "selector";

static int64_t now_ms(void *arg)
{
	(void)arg;
	return 1767323045000;
}

static uint64_t next_random(void *arg)
{
	uint64_t *state = arg;

	return ++*state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct asb_kind kind = { "", "v1", "pods", "Pod" };
	CLEANUP(selector_release) struct selector *selector = NULL;
	CLEANUP_FREE char *text =
		xstrndup(size > 0 ? (const char *)data + 1 : "", size > 0 ? size - 1 : 0);
	bool labels = size > 0 && data[0] % 2 == 0;
	struct error error = { 0 };
	uint64_t random = 0;
	struct objects *objects = objects_create(&(struct objects_config){
		.now_ms = now_ms, .random = next_random, .arg = &random, .server = true });
	struct json_object *pod = asb_new(&kind, "ns", "name");
	int status;

	objects_install_with(objects, &kind, &(struct objects_resource){ .namespaced = true },
			     NULL);
	asb_set_label(pod, "app", "web");
	asb_set_label(pod, "n", "5");
	FUZZ_CHECK(objects_create_object(objects, &kind, "ns", pod, 0, NULL, NULL) == 201);
	status = selector_create(objects, &kind, labels ? text : NULL, labels ? NULL : text,
				 &selector, &error);
	FUZZ_CHECK(status == 0 || (status == 400 && error.code == -400));
	FUZZ_CHECK(status == 0 || selector == NULL);
	(void)selector_matches(selector, objects_state_of(objects, &kind, "ns", "name"));
	(void)selector_name(selector);
	objects_destroy(objects);
	return 0;
}
