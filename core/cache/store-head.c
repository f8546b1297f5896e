/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the few facts of an object that decide whether and where it is stored. Called by
 * core/cache/store.c for every frame. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "core/cache/store-private.h"
#include "kube/version.h"

/* 0; -EAGAIN for text the scan doubts; -EINVAL for an object without a name or a version. */
static int head_scan_head(const char *text, size_t length, struct store_head *ret)
{
	static const char *const top[] = { "metadata" };
	static const char *const names[] = { "name", "namespace", "resourceVersion", "labels",
					     "ownerReferences" };
	struct json_span metadata, spans[ARRAY_LEN(names)];
	const char *version = NULL;
	size_t version_length = 0;
	struct store_head head = { .ns = "" };

	if (json_scan_members(text, length, top, 1, &metadata) < 0) {
		return -EAGAIN;
	}
	if (metadata.start == NULL || *metadata.start != '{') {
		return -EINVAL;
	}
	if (json_scan_members(metadata.start, metadata.length, names, ARRAY_LEN(names), spans) <
	    0) {
		return -EAGAIN;
	}
	if (spans[0].start == NULL || spans[2].start == NULL) {
		return -EINVAL;
	}
	if (!json_span_text(&spans[0], &head.name, &head.name_length) ||
	    !json_span_text(&spans[2], &version, &version_length) ||
	    (spans[1].start != NULL && !json_span_text(&spans[1], &head.ns, &head.ns_length))) {
		return -EAGAIN; /* no string, or one with an escape */
	}
	head.version = version_parse(version, version_length);
	head.labels = spans[3];
	head.owners = spans[4];
	if (head.name_length == 0 || head.version == 0 ||
	    head.ns_length + head.name_length + 2 > STORE_KEY_MAX) {
		return -EINVAL;
	}
	*ret = head;
	return 0;
}

int store_head(const char **text, size_t *length, struct buf *plain, struct store_head *ret)
{
	CLEANUP_JSON struct json_object *tree = NULL;
	int code = head_scan_head(*text, *length, ret);

	if (code != -EAGAIN) {
		return code;
	}
	tree = json_parse(*text, *length, NULL);
	if (tree == NULL || json_print(tree, plain) < 0) {
		return -EINVAL;
	}
	*text = buf_str(plain);
	*length = plain->length;
	return head_scan_head(*text, *length, ret) < 0 ? -EINVAL : 0;
}

static bool head_has_selected_label(const struct store *store, const struct json_span *labels)
{
	struct json_span found[STORE_SELECTORS_MAX];

	if (labels->start == NULL || *labels->start != '{' || store->selector_label_count == 0) {
		return false;
	}
	if (json_scan_members(labels->start, labels->length, store->selector_labels,
			      store->selector_label_count, found) < 0) {
		return true; /* in doubt it costs memory, not correctness */
	}
	for (size_t i = 0; i < store->selector_label_count; i++) {
		if (found[i].start != NULL) {
			return true;
		}
	}
	return false;
}

static bool head_has_selected_controller(const struct store *store, const struct json_span *owners)
{
	CLEANUP_JSON struct json_object *array = NULL;

	if (owners->start == NULL || store->selector_kind_count == 0) {
		return false;
	}
	array = json_parse(owners->start, owners->length, NULL);
	for (size_t i = 0; i < asb_length(array); i++) {
		struct json_object *owner = json_object_array_get_idx(array, i);

		for (size_t k = 0;
		     k < store->selector_kind_count && asb_true(asb_at(owner, "controller")); k++) {
			if (asb_owner_is(owner, store->selector_kinds[k])) {
				return true;
			}
		}
	}
	return false;
}

bool store_wants(const struct store *store, const struct store_head *head)
{
	return store->select_all || head_has_selected_label(store, &head->labels) ||
	       head_has_selected_controller(store, &head->owners);
}
