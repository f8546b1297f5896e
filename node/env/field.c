/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a pod and resources of its containers as texts. Called for the environment and for
 * downwardAPI volumes. https://kubernetes.io/docs/concepts/workloads/pods/downward-api/ */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "kube/quantity.h"
#include "node/env/env.h"

#define FIELD_MAX (1024 * 1024) /* all annotations of a pod are at most 256 KiB, quoted some more */

static int field_by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A value in quotes, as a kubelet writes it into a file: one line whatever is in it. */
static void field_append_quoted(struct buf *out, const char *text)
{
	static const char named[] = "\aa\bb\ff\nn\rr\tt\vv\\\\\"\"";

	buf_append_char(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		const char *name = NULL;

		for (const char *at = named; *at != '\0'; at += 2) {
			name = *at == *text ? at + 1 : name;
		}
		if (name != NULL) {
			buf_append_char(out, '\\');
			buf_append_char(out, *name);
		} else if (byte < 0x20 || byte == 0x7f) {
			buf_printf(out, "\\x%02x", byte);
		} else {
			buf_append_char(out, *text);
		}
	}
	buf_append_char(out, '"');
}

/* key="value" lines in the order of their keys. */
static int field_format_map(struct json_object *map, const char *path, char **ret,
			    struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FIELD_MAX);
	size_t count = 0;
	CLEANUP_FREE const char **keys = NULL;

	if (!json_object_is_type(map, json_type_object)) {
		*ret = xstrdup("");
		return 0;
	}
	keys = xnew_array(const char *, (size_t)json_object_object_length(map) + 1);
	json_object_object_foreach (map, key, value) {
		keys[count] = key;
		count += asb_as_str(value) != NULL;
	}
	qsort(keys, count, sizeof(*keys), field_by_key);
	for (size_t i = 0; i < count; i++) {
		const char *inner = asb_str(map, keys[i]);

		buf_printf(&text, "%s%s=", i > 0 ? "\n" : "", keys[i]);
		field_append_quoted(&text, inner != NULL ? inner : "");
	}
	if (text.failed) {
		return error_set(reterr, -EINVAL, "'%s' is larger than %d bytes", path, FIELD_MAX);
	}
	*ret = buf_take(&text);
	return 0;
}

/* metadata.labels['key']: the value, "" where there is none; NULL: path is not of that form. */
static const char *field_subscript(struct json_object *pod, const char *path, const char *member)
{
	CLEANUP_FREE char *start = xprintf("metadata.%s['", member);
	size_t before = strlen(start), length = strlen(path);
	const char *value;

	if (strncmp(path, start, before) != 0 || length < before + 2 ||
	    strcmp(path + length - 2, "']") != 0) {
		return NULL;
	}

	CLEANUP_FREE char *key = xstrndup(path + before, length - before - 2);

	value = asb_str(pod, "metadata", member, key);
	return value != NULL ? value : "";
}

/* What is one string of the object, or of what the node knows. NULL: there is no such path. */
static const char *field_simple_field(struct json_object *pod, const char *path,
				      const struct env_facts *facts)
{
	const char *account = asb_str(pod, "spec", "serviceAccountName");
	const char *node = asb_str(pod, "spec", "nodeName");
	const struct {
		const char *path, *value;
		bool known;
	} fields[] = {
		{ "metadata.name", asb_name(pod), true },
		{ "metadata.namespace", asb_ns(pod), true },
		{ "metadata.uid", asb_uid(pod), true },
		{ "spec.serviceAccountName", account != NULL ? account : "default", true },
		{ "spec.nodeName",
		  facts != NULL && facts->node_name != NULL ? facts->node_name : node,
		  facts != NULL },
		{ "status.podIP", facts != NULL ? facts->pod_ip : NULL, facts != NULL },
		{ "status.podIPs", facts != NULL ? facts->pod_ip : NULL, facts != NULL },
		{ "status.hostIP", facts != NULL ? facts->host_ip : NULL, facts != NULL },
		{ "status.hostIPs", facts != NULL ? facts->host_ip : NULL, facts != NULL },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].known && strcmp(path, fields[i].path) == 0) {
			return fields[i].value != NULL ? fields[i].value : "";
		}
	}
	return NULL;
}

int env_field(struct json_object *pod, const char *path, const struct env_facts *facts, char **ret,
	      struct error *reterr)
{
	const char *value = field_simple_field(pod, path, facts);

	if (value == NULL) {
		value = field_subscript(pod, path, "labels");
	}
	if (value == NULL) {
		value = field_subscript(pod, path, "annotations");
	}
	if (value != NULL) {
		*ret = xstrdup(value);
		return 0;
	}
	if (strcmp(path, "metadata.labels") == 0) {
		return field_format_map(asb_at(pod, "metadata", "labels"), path, ret, reterr);
	}
	if (strcmp(path, "metadata.annotations") == 0) {
		return field_format_map(asb_at(pod, "metadata", "annotations"), path, ret, reterr);
	}
	return error_set(reterr, -EINVAL, "unsupported fieldPath: %.200s", path);
}

/* A limit that a container does not have is what the machine has. */
static void field_capacity(const char *resource, struct quantity *ret)
{
	struct statvfs disk;
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	*ret = (struct quantity){ 0 };
	if (strcmp(resource, "cpu") == 0 && cores > 0) {
		ret->whole = (uint64_t)cores;
	} else if (strcmp(resource, "memory") == 0 && pages > 0 && page > 0) {
		ret->whole = (uint64_t)pages * (uint64_t)page;
	} else if (strcmp(resource, "ephemeral-storage") == 0 && statvfs("/", &disk) == 0) {
		ret->whole = (uint64_t)disk.f_blocks * disk.f_frsize;
	}
}

/* The value of "limits.cpu" and the like; requests default to limits. */
static int field_read_resource(struct json_object *container, const char *which,
			       struct quantity *ret, struct error *reterr)
{
	bool limits = strncmp(which, "limits.", 7) == 0;
	const char *name = limits ? which + 7 : which + 9;
	struct json_object *resources = asb_at(container, "resources");

	if (!limits && strncmp(which, "requests.", 9) != 0) {
		return error_set(reterr, -EINVAL, "unsupported container resource: %.200s", which);
	}
	if (strcmp(name, "cpu") != 0 && strcmp(name, "memory") != 0 &&
	    strcmp(name, "ephemeral-storage") != 0 && strncmp(name, "hugepages-", 10) != 0) {
		return error_set(reterr, -EINVAL, "unsupported container resource: %.200s", which);
	}
	if (quantity_read(asb_at(resources, limits ? "limits" : "requests", name), ret) == 0 &&
	    (!limits || ret->whole > 0 || ret->nano > 0)) {
		return 0;
	}
	if (!limits && quantity_read(asb_at(resources, "limits", name), ret) == 0) {
		return 0;
	}
	*ret = (struct quantity){ 0 };
	if (limits) {
		field_capacity(name, ret);
	}
	return 0;
}

static struct json_object *field_find_container(struct json_object *pod, const char *name)
{
	static const char *const lists[] = { "containers", "initContainers" };

	for (size_t i = 0; i < 2; i++) {
		struct json_object *list = asb_array(pod, "spec", lists[i]);

		for (size_t at = 0; at < asb_length(list); at++) {
			struct json_object *one = json_object_array_get_idx(list, at);

			if (asb_streq(asb_str(one, "name"), name)) {
				return one;
			}
		}
	}
	return NULL;
}

int env_resource(struct json_object *pod, struct json_object *container, struct json_object *ref,
		 char **ret, struct error *reterr)
{
	const char *which = asb_str(ref, "resource");
	const char *other = asb_str(ref, "containerName");
	struct json_object *written = asb_at(ref, "divisor");
	struct quantity value, divisor = { .whole = 1 };
	int64_t parts, part;
	int code;

	if (other != NULL && *other != '\0') {
		container = field_find_container(pod, other);
	}
	if (which == NULL || container == NULL) {
		return error_set(reterr, -EINVAL, "a resourceFieldRef names no %s of the pod",
				 which == NULL ? "resource" : "container");
	}
	if (written != NULL && (quantity_read(written, &divisor) < 0 || divisor.negative)) {
		return error_set(reterr, -EINVAL,
				 "the divisor of resource %.100s is not a quantity", which);
	}
	if (divisor.whole == 0 && divisor.nano == 0) {
		divisor.whole = 1;
	}
	code = field_read_resource(container, which, &value, reterr);
	if (code < 0) {
		return code;
	}
	/* Cores are divided in thousandths, bytes whole; either is rounded up. */
	bool cpu = strcmp(strchr(which, '.') + 1, "cpu") == 0;

	parts = cpu ? quantity_milli(&value) : quantity_value(&value);
	part = cpu ? quantity_milli(&divisor) : quantity_value(&divisor);
	*ret = xprintf("%" PRId64, parts / part + (parts % part > 0));
	return 0;
}
