/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reconciler needs, as inline functions on the host table (plugin.h) and json-c: paths
 * into trees, owner references, conditions, JSON patches, names, times. None of them keeps state.
 *
 * Anybody may have made a tree: every reader returns NULL (or 0) where a member is missing or has
 * another type. A string that is returned is borrowed from its tree.
 */
#ifndef AGENT_SANDBOX_HELPERS_H
#define AGENT_SANDBOX_HELPERS_H

#include <agent-sandbox/plugin.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define ASB_SENTINEL __attribute__((__sentinel__))
#define ASB_UNUSED __attribute__((__unused__))
#else
#define ASB_SENTINEL
#define ASB_UNUSED
#endif

/* ---- reading trees ---- */

/* The member at the end of a path of names: asb_at(pod, "metadata", "labels", key). */
#define asb_at(object, ...) asb_at_((object), __VA_ARGS__, (const char *)NULL)
/* The same if the member is a string (asb_str) or an array (asb_array), else NULL. */
#define asb_str(object, ...) asb_as_str(asb_at((object), __VA_ARGS__))
#define asb_array(object, ...) asb_as_array(asb_at((object), __VA_ARGS__))

ASB_SENTINEL static inline struct json_object *asb_at_(struct json_object *object, ...)
{
	va_list names;
	const char *name;

	va_start(names, object);
	while ((name = va_arg(names, const char *)) != NULL) {
		struct json_object *next = NULL;

		if (!json_object_is_type(object, json_type_object) ||
		    !json_object_object_get_ex(object, name, &next)) {
			object = NULL;
			break;
		}
		object = next;
	}
	va_end(names);
	return object;
}

static inline const char *asb_as_str(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static inline struct json_object *asb_as_array(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) ? value : NULL;
}

/* The length of an array; 0 for anything else. */
static inline size_t asb_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

/* A number, or fallback if value is not one. */
static inline int64_t asb_int(struct json_object *value, int64_t fallback)
{
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : fallback;
}

static inline bool asb_true(struct json_object *value)
{
	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

/* Whether two strings are equal. NULL equals nothing, not even NULL. */
static inline bool asb_streq(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static inline const char *asb_name(struct json_object *object)
{
	return asb_str(object, "metadata", "name");
}

/* "" for an object without a namespace. */
static inline const char *asb_ns(struct json_object *object)
{
	const char *ns = asb_str(object, "metadata", "namespace");

	return ns != NULL ? ns : "";
}

static inline const char *asb_uid(struct json_object *object)
{
	return asb_str(object, "metadata", "uid");
}

static inline const char *asb_resource_version(struct json_object *object)
{
	return asb_str(object, "metadata", "resourceVersion");
}

static inline int64_t asb_generation(struct json_object *object)
{
	return asb_int(asb_at(object, "metadata", "generation"), 0);
}

static inline const char *asb_label(struct json_object *object, const char *key)
{
	return asb_str(object, "metadata", "labels", key);
}

static inline const char *asb_annotation(struct json_object *object, const char *key)
{
	return asb_str(object, "metadata", "annotations", key);
}

static inline bool asb_deleting(struct json_object *object)
{
	return asb_at(object, "metadata", "deletionTimestamp") != NULL;
}

/* ---- building trees ---- */

/* Sets or replaces a string member; value NULL removes it. */
static inline void asb_set_str(struct json_object *object, const char *name, const char *value)
{
	if (value == NULL) {
		json_object_object_del(object, name);
		return;
	}
	json_object_object_add(object, name, json_object_new_string(value));
}

/* The object member of that name, which is made if it is missing or not an object. Borrowed. */
static inline struct json_object *asb_object_in(struct json_object *object, const char *name)
{
	struct json_object *member = NULL;

	if (json_object_object_get_ex(object, name, &member) &&
	    json_object_is_type(member, json_type_object)) {
		return member;
	}
	member = json_object_new_object();
	json_object_object_add(object, name, member);
	return member;
}

/* A deep copy, owned by the caller; NULL for NULL. */
static inline struct json_object *asb_copy(struct json_object *value)
{
	struct json_object *copy = NULL;

	return value != NULL && json_object_deep_copy(value, &copy, NULL) == 0 ? copy : NULL;
}

static inline void asb_set_label(struct json_object *object, const char *key, const char *value)
{
	asb_set_str(asb_object_in(asb_object_in(object, "metadata"), "labels"), key, value);
}

static inline void asb_set_annotation(struct json_object *object, const char *key,
				      const char *value)
{
	asb_set_str(asb_object_in(asb_object_in(object, "metadata"), "annotations"), key, value);
}

/* A new object of a kind with metadata.name and, unless it is "", metadata.namespace. */
static inline struct json_object *asb_new(const struct asb_kind *kind, const char *ns,
					  const char *name)
{
	struct json_object *object = json_object_new_object();
	struct json_object *metadata = asb_object_in(object, "metadata");
	char version[160];

	snprintf(version, sizeof(version), "%s%s%s", kind->group, *kind->group != '\0' ? "/" : "",
		 kind->version);
	asb_set_str(object, "apiVersion", version);
	asb_set_str(object, "kind", kind->kind);
	asb_set_str(metadata, "name", name);
	if (*ns != '\0') {
		asb_set_str(metadata, "namespace", ns);
	}
	return object;
}

/* ---- owners ----
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/ */

/* The owner reference with controller: true, or NULL. *ret_index is its position in
 * ownerReferences; ret_index may be NULL. */
static inline struct json_object *asb_controller(struct json_object *object, size_t *ret_index)
{
	struct json_object *owners = asb_array(object, "metadata", "ownerReferences");

	for (size_t i = 0; i < asb_length(owners); i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		if (asb_true(asb_at(owner, "controller"))) {
			if (ret_index != NULL) {
				*ret_index = i;
			}
			return owner;
		}
	}
	return NULL;
}

/* Whether an owner reference is of this kind, whatever the version of its group. */
static inline bool asb_owner_is(struct json_object *owner, const struct asb_kind *kind)
{
	const char *version = asb_str(owner, "apiVersion");
	size_t length = strlen(kind->group);

	if (version == NULL || !asb_streq(asb_str(owner, "kind"), kind->kind)) {
		return false;
	}
	if (length == 0) {
		return strchr(version, '/') == NULL;
	}
	return strncmp(version, kind->group, length) == 0 && version[length] == '/';
}

/* Whether the object of this kind with this UID is the controller of object. A name proves
 * nothing. */
static inline bool asb_controlled_by(struct json_object *object, const struct asb_kind *kind,
				     const char *uid)
{
	struct json_object *owner = asb_controller(object, NULL);

	return owner != NULL && asb_owner_is(owner, kind) && asb_streq(asb_str(owner, "uid"), uid);
}

/* A new owner reference to owner with controller: true, owned by the caller. */
static inline struct json_object *asb_owner_reference(struct json_object *owner)
{
	struct json_object *reference = json_object_new_object();

	asb_set_str(reference, "apiVersion", asb_str(owner, "apiVersion"));
	asb_set_str(reference, "kind", asb_str(owner, "kind"));
	asb_set_str(reference, "name", asb_name(owner));
	asb_set_str(reference, "uid", asb_uid(owner));
	json_object_object_add(reference, "controller", json_object_new_boolean(1));
	json_object_object_add(reference, "blockOwnerDeletion", json_object_new_boolean(1));
	return reference;
}

/* Makes owner the only owner, and the controller, of a new object. */
static inline void asb_set_owner(struct json_object *object, struct json_object *owner)
{
	struct json_object *owners = json_object_new_array();

	json_object_array_add(owners, asb_owner_reference(owner));
	json_object_object_add(asb_object_in(object, "metadata"), "ownerReferences", owners);
}

/* ---- names and times ---- */

/* FNV-1a, 32 bit, as eight hexadecimal digits and a NUL: the name hash of the labels. */
static inline void asb_name_hash(const char *name, char ret_hex[9])
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++) {
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	}
	snprintf(ret_hex, 9, "%08x", (unsigned int)hash);
}

/* Writes "<prefix>-<five letters>", as generateName would make it, into ret (254 bytes). A prefix
 * that is too long is cut. */
static inline void asb_random_name(uint64_t random, const char *prefix, char ret[254])
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	char suffix[6];

	for (size_t i = 0; i < 5; i++) {
		suffix[i] = letters[random % 27];
		random /= 27;
	}
	suffix[5] = '\0';
	snprintf(ret, 254, "%.57s-%s", prefix, suffix);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static inline int64_t asb_days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/*
 * Reads a date-time of RFC 3339: any year 0000 to 9999, fractions, Z or an offset, a leap second.
 * Milliseconds since 1970 go to *ret_ms. Returns false, and sets nothing, for other text.
 */
static inline bool asb_time_parse(const char *text, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, taken = 0;
	int64_t offset = 0, milli = 0, scale = 100;

	if (text == NULL || strlen(text) > 64 ||
	    sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
		   &second, &taken) != 6 ||
	    taken != 19 || strspn(text, "0123456789-Tt :") < 19 || month < 1 || month > 12 ||
	    day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || year < 0 ||
	    hour < 0 || minute < 0 || second < 0) {
		return false;
	}
	text += taken;
	if (*text == '.') {
		text++;
		if (*text < '0' || *text > '9') {
			return false;
		}
		for (; *text >= '0' && *text <= '9'; text++) {
			milli += (*text - '0') * scale;
			scale /= 10;
		}
	}
	if (*text == '+' || *text == '-') {
		int oh, om, end = 0;

		if (strspn(text + 1, "0123456789:") != 5 ||
		    sscanf(text + 1, "%2d:%2d%n", &oh, &om, &end) != 2 || end != 5 || oh > 23 ||
		    om > 59) {
			return false;
		}
		offset = (oh * 60 + om) * (*text == '-' ? -60 : 60);
		text += 6;
	} else if (*text == 'Z' || *text == 'z') {
		text++;
	} else {
		return false;
	}
	if (*text != '\0') {
		return false;
	}
	*ret_ms =
		(asb_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset) *
			1000 +
		milli;
	return true;
}

/* Writes milliseconds since 1970 as "2006-01-02T15:04:05Z", the form of metav1.Time; years outside
 * 0..9999 are clamped. */
static inline void asb_time_format(int64_t ms, char ret[21])
{
	int64_t first = asb_days(0, 1, 1) * 86400, last = asb_days(10000, 1, 1) * 86400 - 1;
	int64_t seconds = ms / 1000 - (ms % 1000 < 0 ? 1 : 0);

	seconds = seconds < first ? first : seconds > last ? last : seconds;

	int64_t days = (seconds - first) / 86400, rest = (seconds - first) % 86400, year = 0,
		month = 1;
	int64_t start = first / 86400;

	year = days * 400 / 146097;
	while (asb_days(year + 1, 1, 1) - start <= days) {
		year++;
	}
	while (asb_days(year, 1, 1) - start > days) {
		year--;
	}
	while (month < 12 && asb_days(year, month + 1, 1) - start <= days) {
		month++;
	}
	snprintf(ret, 21, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned int)year % 10000u,
		 (unsigned int)month % 100u,
		 (unsigned int)(days - (asb_days(year, month, 1) - start) + 1) % 100u,
		 (unsigned int)(rest / 3600) % 100u, (unsigned int)(rest / 60 % 60) % 100u,
		 (unsigned int)(rest % 60) % 100u);
}

/* ---- conditions ----
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md */

/* The condition of a type in an array of them, or NULL. */
static inline struct json_object *asb_condition_in(struct json_object *conditions, const char *type)
{
	for (size_t i = 0; i < asb_length(conditions); i++) {
		struct json_object *condition = json_object_array_get_idx(conditions, i);

		if (asb_streq(asb_str(condition, "type"), type)) {
			return condition;
		}
	}
	return NULL;
}

/* The condition of a type in .status.conditions, or NULL. */
static inline struct json_object *asb_condition(struct json_object *object, const char *type)
{
	return asb_condition_in(asb_array(object, "status", "conditions"), type);
}

/* Whether object has a condition of that type with that status ("True", "False", "Unknown"). */
static inline bool asb_condition_is(struct json_object *object, const char *type,
				    const char *status)
{
	return asb_streq(asb_str(asb_condition(object, type), "status"), status);
}

/*
 * A new condition for object's status. lastTransitionTime is kept from the one stored in object
 * unless status differs, as the conventions ask, so that an unchanged condition compares equal.
 */
static inline struct json_object *asb_new_condition(struct json_object *object, const char *type,
						    const char *status, const char *reason,
						    const char *message, int64_t generation,
						    int64_t now_ms)
{
	struct json_object *old = asb_condition(object, type),
			   *condition = json_object_new_object();
	const char *since = asb_str(old, "lastTransitionTime");
	char now[21];

	asb_time_format(now_ms, now);
	asb_set_str(condition, "type", type);
	asb_set_str(condition, "status", status);
	asb_set_str(condition, "reason", reason);
	asb_set_str(condition, "message", message);
	asb_set_str(condition, "lastTransitionTime",
		    since != NULL && asb_streq(asb_str(old, "status"), status) ? since : now);
	json_object_object_add(condition, "observedGeneration", json_object_new_int64(generation));
	return condition;
}

/* ---- JSON patches (RFC 6902) ---- */

/*
 * Appends an operation to a patch (an array): asb_patch(patch, "test", value, "metadata", "labels",
 * key). Path elements are escaped (RFC 6901). take_value belongs to the patch; NULL is a JSON
 * null. "remove" has no value.
 */
#define asb_patch(patch, op, take_value, ...) \
	asb_patch_((patch), (op), (take_value), __VA_ARGS__, (const char *)NULL)

ASB_SENTINEL static inline void asb_patch_(struct json_object *patch, const char *op,
					   struct json_object *take_value, ...)
{
	struct json_object *operation = json_object_new_object();
	char path[1024];
	size_t length = 0;
	va_list names;
	const char *name;

	va_start(names, take_value);
	while ((name = va_arg(names, const char *)) != NULL && length < sizeof(path) - 3) {
		path[length++] = '/';
		for (; *name != '\0' && length < sizeof(path) - 3; name++) {
			if (*name == '/' || *name == '~') {
				path[length++] = '~';
				path[length++] = *name == '/' ? '1' : '0';
			} else {
				path[length++] = *name;
			}
		}
	}
	va_end(names);
	path[length] = '\0';
	asb_set_str(operation, "op", op);
	asb_set_str(operation, "path", path);
	if (strcmp(op, "remove") != 0) {
		json_object_object_add(operation, "value", take_value);
	} else {
		json_object_put(take_value);
	}
	json_object_array_add(patch, operation);
}

/* ---- canonical form ---- */

static inline int asb_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A copy with the members of every object sorted by name, owned by the caller: equal values print
 * to equal text. */
static inline struct json_object *asb_canonical(struct json_object *value)
{
	if (json_object_is_type(value, json_type_array)) {
		struct json_object *array = json_object_new_array();

		for (size_t i = 0; i < asb_length(value); i++) {
			json_object_array_add(array,
					      asb_canonical(json_object_array_get_idx(value, i)));
		}
		return array;
	}
	if (!json_object_is_type(value, json_type_object)) {
		return asb_copy(value);
	}

	struct json_object *object = json_object_new_object();
	size_t count = 0, length = (size_t)json_object_object_length(value);
	const char **names = (const char **)calloc(length + 1, sizeof(*names));

	if (names == NULL) {
		abort();
	}
	json_object_object_foreach (value, name, member) {
		(void)member;
		names[count++] = name;
	}
	qsort(names, count, sizeof(*names), asb_compare_names);
	for (size_t i = 0; i < count; i++) {
		json_object_object_add(object, names[i], asb_canonical(asb_at(value, names[i])));
	}
	free(names);
	return object;
}

/* SHA-256 of the canonical text of a tree. */
static inline void asb_tree_hash(struct asb_call *call, struct json_object *value, char ret_hex[65])
{
	struct json_object *canonical = asb_canonical(value);
	size_t length = 0;
	const char *text = json_object_to_json_string_length(
		canonical, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

	call->host->sha256(call->instance, text, length, ret_hex);
	json_object_put(canonical);
}

/* ---- the host table, shorter ---- */

static inline struct json_object *asb_get(struct asb_call *call, uint32_t watch, const char *ns,
					  const char *name)
{
	return call->host->get(call, watch, ns, name);
}

static inline uint64_t asb_count(struct asb_call *call, uint32_t index, const char *value)
{
	return call->host->count(call, index, value);
}

static inline int64_t asb_now_ms(struct asb_call *call)
{
	return call->host->now_ms(call->instance);
}

/* Sends one write and returns its result; *write has the rest. */
static inline int32_t asb_write(struct asb_call *call, struct asb_write *write)
{
	return call->host->write_all(call, write, 1);
}

/* Writes as most plugins need them. The strings of a write are borrowed from the object. */
static inline struct asb_write asb_create(uint32_t watch, uint32_t priority,
					  struct json_object *take_object)
{
	struct asb_write write = { 0 };

	write.verb = ASB_CREATE;
	write.watch = watch;
	write.priority = priority;
	write.ns = asb_ns(take_object);
	write.name = asb_name(take_object);
	write.take_body = take_object;
	return write;
}

/* Replaces object's status. */
static inline struct asb_write asb_set_status(uint32_t watch, struct json_object *object,
					      struct json_object *take_status)
{
	struct asb_write write = { 0 };

	write.verb = ASB_SET_STATUS;
	write.watch = watch;
	write.priority = ASB_PRIORITY_STATUS;
	write.ns = asb_ns(object);
	write.name = asb_name(object);
	write.uid = asb_uid(object);
	write.take_body = take_status;
	return write;
}

/* Patches object, tested against its uid. */
static inline struct asb_write asb_patch_of(uint32_t watch, struct json_object *object,
					    uint32_t verb, struct json_object *take_patch)
{
	struct asb_write write = { 0 };

	write.verb = verb;
	write.watch = watch;
	write.priority = ASB_PRIORITY_CLAIM;
	write.ns = asb_ns(object);
	write.name = asb_name(object);
	write.uid = asb_uid(object);
	write.take_body = take_patch;
	return write;
}

/* Deletes this object and no other of its name; with exact_version only if it has not changed since
 * the store saw it. */
static inline struct asb_write asb_remove(uint32_t watch, struct json_object *object,
					  bool exact_version)
{
	struct asb_write write = { 0 };

	write.verb = ASB_DELETE;
	write.watch = watch;
	write.priority = ASB_PRIORITY_CLAIM;
	write.ns = asb_ns(object);
	write.name = asb_name(object);
	write.uid = asb_uid(object);
	write.resource_version = exact_version ? asb_resource_version(object) : NULL;
	return write;
}

#endif
