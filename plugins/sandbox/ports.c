/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports of the Service of a Sandbox of v1beta1, from the ports of its containers. A pure
 * function of the podTemplate. Called by service.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* The API server's own limit is far below it: an endpoint has at most 1,000 ports. */
#define PORTS_MAX 1000u

struct port {
	int64_t number;
	const char *protocol, *name; /* name NULL: the container does not give one */
};

struct ports {
	struct port list[PORTS_MAX];
	size_t count;
};

static int ports_compare(const void *a, const void *b)
{
	const struct port *one = a, *other = b;

	if (one->number != other->number) {
		return one->number < other->number ? -1 : 1;
	}
	return strcmp(one->protocol, other->protocol);
}

/* Each port and protocol once, with the first name that is given for it. */
static void ports_add(struct ports *ports, struct json_object *port)
{
	int64_t number = asb_int(asb_at(port, "containerPort"), 0);
	const char *protocol = asb_str(port, "protocol"), *name = asb_str(port, "name");

	if (number < 1 || number > 65535) {
		return;
	}
	protocol = protocol != NULL ? protocol : "TCP";
	name = name != NULL && *name != '\0' ? name : NULL;
	for (size_t i = 0; i < ports->count; i++) {
		if (ports->list[i].number == number &&
		    strcmp(ports->list[i].protocol, protocol) == 0) {
			ports->list[i].name =
				ports->list[i].name != NULL ? ports->list[i].name : name;
			return;
		}
	}
	if (ports->count < PORTS_MAX) {
		ports->list[ports->count++] =
			(struct port){ .number = number, .protocol = protocol, .name = name };
	}
}

static void ports_add_containers(struct ports *ports, struct json_object *containers, bool sidecars)
{
	for (size_t i = 0; i < asb_length(containers); i++) {
		struct json_object *container = json_object_array_get_idx(containers, i);
		struct json_object *list = asb_array(container, "ports");

		if (sidecars && !asb_streq(asb_str(container, "restartPolicy"), "Always")) {
			continue;
		}
		for (size_t p = 0; p < asb_length(list); p++) {
			ports_add(ports, json_object_array_get_idx(list, p));
		}
	}
}

static void ports_make_name(const struct port *port, unsigned int suffix, char ret[32])
{
	char protocol[8];
	size_t i = 0;

	for (; port->protocol[i] != '\0' && i < sizeof(protocol) - 1; i++) {
		char c = port->protocol[i];

		protocol[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	protocol[i] = '\0';
	if (suffix > 1) {
		snprintf(ret, 32, "p-%d-%s-%u", (int)port->number, protocol, suffix);
	} else {
		snprintf(ret, 32, "p-%d-%s", (int)port->number, protocol);
	}
}

static bool ports_name_taken(struct json_object *made, const struct ports *ports, const char *name)
{
	for (size_t i = 0; i < ports->count; i++) {
		if (asb_streq(ports->list[i].name, name)) {
			return true;
		}
	}
	return asb_at(made, name) != NULL;
}

struct json_object *ports_of(struct json_object *pod_template)
{
	struct json_object *spec = asb_at(pod_template, "spec"), *result = NULL,
			   *names = json_object_new_object();
	struct ports *ports = calloc(1, sizeof(*ports));

	if (ports != NULL) {
		result = json_object_new_array();
		ports_add_containers(ports, asb_array(spec, "containers"), false);
		ports_add_containers(ports, asb_array(spec, "initContainers"), true);
		qsort(ports->list, ports->count, sizeof(ports->list[0]), ports_compare);
	}
	for (size_t i = 0; ports != NULL && i < ports->count; i++) {
		const struct port *port = &ports->list[i];
		struct json_object *entry = json_object_new_object();
		char name[32];

		/* Two containers may give one name to different ports: the first keeps it. */
		if (port->name != NULL && asb_at(names, port->name) == NULL) {
			asb_set_str(entry, "name", port->name);
			json_object_object_add(names, port->name, json_object_new_boolean(1));
		} else {
			ports_make_name(port, 1, name);
			for (unsigned int n = 2; ports_name_taken(names, ports, name); n++) {
				ports_make_name(port, n, name);
			}
			asb_set_str(entry, "name", name);
			json_object_object_add(names, name, json_object_new_boolean(1));
		}
		json_object_object_add(entry, "port", json_object_new_int64(port->number));
		asb_set_str(entry, "protocol", port->protocol);
		json_object_object_add(entry, "targetPort", json_object_new_int64(port->number));
		json_object_array_add(result, entry);
	}
	json_object_put(names);
	free(ports);
	return result;
}

bool ports_same(struct json_object *wanted, struct json_object *have)
{
	static const char *const compared[] = { "name", "port", "protocol", "targetPort" };

	if (asb_length(wanted) != asb_length(have)) {
		return false;
	}
	for (size_t i = 0; i < asb_length(wanted); i++) {
		for (size_t m = 0; m < sizeof(compared) / sizeof(compared[0]); m++) {
			struct json_object *a =
				asb_at(json_object_array_get_idx(wanted, i), compared[m]);
			struct json_object *b =
				asb_at(json_object_array_get_idx(have, i), compared[m]);

			if (!json_object_equal(a, b)) {
				return false;
			}
		}
	}
	return true;
}
