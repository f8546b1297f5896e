/* SPDX-License-Identifier: Apache-2.0 */
/* The labels and annotations that a claim of v1beta1 adds to its pod. Called by beta.c. */
#include "config.h"

#include "plugins/claim/additions.h"
#include "plugins/common/names.h"
#include "plugins/common/object.h"

bool refusal_set(struct refusal *ret, const char *reason, const char *format, ...)
{
	va_list arguments;
	int length;

	ret->reason = reason;
	va_start(arguments, format);
	length = vsnprintf(ret->message, sizeof(ret->message), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(ret->message)) {
		object_trim_text(ret->message);
	}
	return false;
}

/* Whether the domain of a key ("<domain>/<name>") is this one or below it. */
static bool metadata_is_below(const char *key, const char *domain, size_t length)
{
	const char *slash = strchr(key, '/');
	size_t have = slash != NULL ? (size_t)(slash - key) : 0;

	return length > 0 && have >= length && strncmp(key + have - length, domain, length) == 0 &&
	       (have == length || key[have - length - 1] == '.');
}

static bool metadata_label_allowed(const char *key, const char *domains)
{
	static const char separators[] = ", \t\r\n";

	for (const char *at = domains + strspn(domains, separators); *at != '\0';) {
		size_t length = strcspn(at, separators);

		if (metadata_is_below(key, at, length)) {
			return true;
		}
		at += length;
		at += strspn(at, separators);
	}
	return false;
}

static bool metadata_annotation_allowed(const char *key)
{
	static const char *const closed[] = { "kubernetes.io", "k8s.io", GROUP_AGENTS };

	if (strcmp(key, ANNOTATION_SAFE_TO_EVICT) == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		if (metadata_is_below(key, closed[i], strlen(closed[i]))) {
			return false;
		}
	}
	return true;
}

/* A key that the template has too must have the same value. */
static bool metadata_agrees(const char *what, const char *key, const char *value,
			    struct json_object *of_template, struct refusal *ret)
{
	const char *given = asb_str(of_template, key);

	if (given == NULL || asb_streq(given, value)) {
		return true;
	}
	return refusal_set(
		ret, REASON_ERROR,
		"metadata override conflict: %s \"%.320s\" is defined in template with value \"%.253s\", but claim requests \"%.253s\"",
		what, key, given, value);
}

static bool metadata_check_labels(struct json_object *labels, struct json_object *of_template,
				  const char *domains, struct refusal *ret)
{
	json_object_object_foreach (labels, key, value) {
		if (!metadata_label_allowed(key, domains)) {
			return refusal_set(
				ret, REASON_METADATA,
				"invalid additionalPodMetadata: failed to validate label \"%.320s\": its key must have one of the allowed domains (%.400s)",
				key, domains);
		}
		if (!metadata_agrees("label", key, json_object_get_string(value), of_template,
				     ret)) {
			return false;
		}
	}
	return true;
}

static bool metadata_check_annotations(struct json_object *annotations,
				       struct json_object *of_template, struct refusal *ret)
{
	json_object_object_foreach (annotations, key, value) {
		if (!metadata_annotation_allowed(key)) {
			return refusal_set(
				ret, REASON_METADATA,
				"invalid additionalPodMetadata: failed to validate annotation \"%.320s\": its key has a domain of the system",
				key);
		}
		if (!metadata_agrees("annotation", key, json_object_get_string(value), of_template,
				     ret)) {
			return false;
		}
	}
	return true;
}

static struct json_object *metadata_map(struct json_object *object, const char *name)
{
	struct json_object *map = asb_at(object, name);

	return json_object_is_type(map, json_type_object) ? map : NULL;
}

bool metadata_check(struct json_object *metadata, struct json_object *pod_template,
		    const char *domains, struct refusal *ret)
{
	struct json_object *of_template = asb_at(pod_template, "metadata");
	struct json_object *labels = metadata_map(metadata, "labels");
	struct json_object *annotations = metadata_map(metadata, "annotations");

	if (labels != NULL &&
	    !metadata_check_labels(labels, metadata_map(of_template, "labels"), domains, ret)) {
		return false;
	}
	return annotations == NULL ||
	       metadata_check_annotations(annotations, metadata_map(of_template, "annotations"),
					  ret);
}

void metadata_apply(struct json_object *metadata, struct json_object *pod_template)
{
	static const char *const maps[] = { "labels", "annotations" };

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct json_object *from = metadata_map(metadata, maps[i]), *to;

		if (from == NULL) {
			continue;
		}
		to = asb_object_in(asb_object_in(pod_template, "metadata"), maps[i]);
		json_object_object_foreach (from, key, value) {
			json_object_object_add(to, key, asb_copy(value));
		}
	}
}
