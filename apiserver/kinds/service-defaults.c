/* SPDX-License-Identifier: Apache-2.0 */
/* Services: defaults, and addresses out of 10.96.0.0/16 that no two share. The table of kinds calls
 * it for every write of a Service, and after it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/macros.h"

#define NODE_PORT_FIRST 30000
#define NODE_PORTS 2768

/* ---- addresses ---- */

/* The number of an address within our /16; -1: it is not in it. */
static int32_t service_address_number(const char *text)
{
	unsigned int high, low;
	int taken = 0;

	if (text == NULL || strncmp(text, ADDRESS_PREFIX ".", sizeof(ADDRESS_PREFIX)) != 0 ||
	    sscanf(text + sizeof(ADDRESS_PREFIX), "%3u.%3u%n", &high, &low, &taken) != 2 ||
	    text[sizeof(ADDRESS_PREFIX) + (size_t)taken] != '\0' || high > 255 || low > 255) {
		return -1;
	}
	return (int32_t)(high * 256 + low);
}

static bool service_address_taken(const struct types *types, uint32_t number)
{
	return (types->addresses[number / 64] >> (number % 64) & 1) != 0;
}

static void service_address_mark(struct types *types, const char *address, bool taken)
{
	int32_t number = service_address_number(address);

	if (number >= 0 && taken) {
		types->addresses[number / 64] |= UINT64_C(1) << (number % 64);
	} else if (number >= 0) {
		types->addresses[number / 64] &= ~(UINT64_C(1) << (number % 64));
	}
}

void service_stored(struct types *types, struct json_object *service)
{
	service_address_mark(types, asb_str(service, "spec", "clusterIP"), true);
}

void service_removed(struct types *types, struct json_object *service)
{
	service_address_mark(types, asb_str(service, "spec", "clusterIP"), false);
}

/* A free address, searched from a random place on; 0: none is left. The first and the last are
 * not addresses of hosts, and pods find .0.1 as "kubernetes". */
static uint32_t service_address_choose(const struct types *types)
{
	uint32_t start = (uint32_t)(types->callbacks.random(types->callbacks.arg) % ADDRESSES);

	for (uint32_t i = 0; i < ADDRESSES; i++) {
		uint32_t number = (start + i) % ADDRESSES;

		if (number > 1 && number < ADDRESSES - 1 && !service_address_taken(types, number)) {
			return number;
		}
	}
	return 0;
}

static void service_set_address(struct json_object *spec, const char *address)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, json_object_new_string(address));
	asb_set_str(spec, "clusterIP", address);
	json_object_object_add(spec, "clusterIPs", list);
}

static void service_refuse_address(struct type_request *request, struct json_object *service,
				   const char *why)
{
	struct json_object *list = asb_at(service, "spec", "clusterIPs");

	causes_add(&request->causes, CAUSE_INVALID, "spec.clusterIPs", list, "%s", why);
}

/* Checks one that was asked for, or chooses one. */
static void service_give_address(struct type_request *request, struct json_object *service)
{
	struct json_object *spec = asb_at(service, "spec");
	const char *wanted = asb_str(spec, "clusterIP");
	char address[32];
	int32_t number;
	uint32_t chosen;
	unsigned char bytes[4];

	if (wanted != NULL && *wanted != '\0') {
		number = service_address_number(wanted);
		if (inet_pton(AF_INET, wanted, bytes) != 1) {
			return; /* validation says so */
		}
		if (number < 0) {
			service_refuse_address(
				request, service,
				"failed to allocate IP: the provided IP is not in the valid range. The range of valid IPs is " ADDRESS_PREFIX
				".0.0/16");
		} else if (service_address_taken(request->types, (uint32_t)number)) {
			service_refuse_address(
				request, service,
				"failed to allocate IP: provided IP is already allocated");
		}
		return;
	}
	chosen = service_address_choose(request->types);
	if (chosen == 0) {
		service_refuse_address(
			request, service,
			"failed to allocate IP: no address is left in " ADDRESS_PREFIX ".0.0/16");
		return;
	}
	snprintf(address, sizeof(address), ADDRESS_PREFIX ".%u.%u", chosen / 256, chosen % 256);
	service_set_address(spec, address);
}

/* ---- node ports ---- */

/* There is no proxy that would listen on them: any number of the range will do. */
static void service_give_node_ports(struct type_request *request, struct json_object *spec)
{
	struct json_object *ports = asb_array(spec, "ports");
	const struct types_callbacks *callbacks = &request->types->callbacks;

	for (size_t i = 0; i < asb_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (json_object_is_type(port, json_type_object) &&
		    asb_int(asb_at(port, "nodePort"), 0) == 0) {
			json_object_object_add(
				port, "nodePort",
				json_object_new_int64(
					NODE_PORT_FIRST +
					(int64_t)(callbacks->random(callbacks->arg) % NODE_PORTS)));
		}
	}
}

/* ---- defaults ---- */

static void service_set_str(struct json_object *object, const char *name, const char *value)
{
	const char *now = asb_str(object, name);

	if (now == NULL || *now == '\0') {
		asb_set_str(object, name, value);
	}
}

static void service_port_defaults(struct json_object *port)
{
	struct json_object *target = asb_at(port, "targetPort");

	if (!json_object_is_type(port, json_type_object)) {
		return;
	}
	service_set_str(port, "protocol", "TCP");
	if (target == NULL ||
	    (json_object_is_type(target, json_type_int) && asb_int(target, 0) == 0)) {
		json_object_object_add(port, "targetPort", json_object_get(asb_at(port, "port")));
	}
}

static struct json_object *service_strings(const char *first, const char *second)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, json_object_new_string(first));
	if (second != NULL) {
		json_object_array_add(list, json_object_new_string(second));
	}
	return list;
}

static bool service_is_headless(struct json_object *spec)
{
	return asb_streq(asb_str(spec, "clusterIP"), "None");
}

/* A Service without addresses and without a selector speaks for whatever its endpoints are. */
static void service_family_defaults(struct json_object *spec)
{
	struct json_object *selector = asb_at(spec, "selector");
	bool both = service_is_headless(spec) &&
		    (selector == NULL || json_object_object_length(selector) == 0) &&
		    asb_at(spec, "ipFamilyPolicy") == NULL && asb_at(spec, "ipFamilies") == NULL;

	if (asb_length(asb_at(spec, "ipFamilies")) == 0) {
		json_object_object_add(spec, "ipFamilies",
				       service_strings("IPv4", both ? "IPv6" : NULL));
	}
	service_set_str(spec, "ipFamilyPolicy", both ? "RequireDualStack" : "SingleStack");
}

static void service_type_defaults(struct json_object *spec)
{
	const char *type = asb_str(spec, "type");

	if (asb_streq(type, "NodePort") || asb_streq(type, "LoadBalancer")) {
		service_set_str(spec, "externalTrafficPolicy", "Cluster");
	}
	if (asb_streq(type, "LoadBalancer") &&
	    asb_at(spec, "allocateLoadBalancerNodePorts") == NULL) {
		json_object_object_add(spec, "allocateLoadBalancerNodePorts",
				       json_object_new_boolean(1));
	}
	if (!asb_streq(type, "ExternalName")) {
		service_set_str(spec, "internalTrafficPolicy", "Cluster");
	}
	if (asb_streq(asb_str(spec, "sessionAffinity"), "ClientIP") &&
	    asb_at(spec, "sessionAffinityConfig") == NULL) {
		json_object_object_add(
			asb_object_in(asb_object_in(spec, "sessionAffinityConfig"), "clientIP"),
			"timeoutSeconds", json_object_new_int64(10800));
	}
}

void service_set_defaults(struct json_object *service)
{
	struct json_object *spec = asb_object_in(service, "spec"), *ports;

	ports = asb_array(spec, "ports");
	for (size_t i = 0; i < asb_length(ports); i++) {
		service_port_defaults(json_object_array_get_idx(ports, i));
	}
	service_set_str(spec, "type", "ClusterIP");
	service_set_str(spec, "sessionAffinity", "None");
	service_type_defaults(spec);
}

/* ---- preparation ---- */

static void service_keep(struct json_object *spec, struct json_object *old, const char *name)
{
	struct json_object *value = asb_at(old, name);

	if (asb_at(spec, name) == NULL && value != NULL) {
		json_object_object_add(spec, name, json_object_get(value));
	}
}

void service_prepare(struct type_request *request, enum type_operation operation,
		     struct json_object *service, struct json_object *old)
{
	struct json_object *spec = asb_at(service, "spec");
	const char *type = asb_str(spec, "type"), *wanted;

	if (operation == TYPE_OP_CREATE) {
		json_object_object_del(service, "status");
		asb_object_in(asb_object_in(service, "status"), "loadBalancer");
	}
	if (operation == TYPE_OP_STATUS || asb_streq(type, "ExternalName")) {
		return;
	}
	if (old != NULL && !asb_streq(asb_str(old, "spec", "type"), "ExternalName")) {
		service_keep(spec, asb_at(old, "spec"), "clusterIP");
		service_keep(spec, asb_at(old, "spec"), "clusterIPs");
		service_keep(spec, asb_at(old, "spec"), "ipFamilies");
		service_keep(spec, asb_at(old, "spec"), "ipFamilyPolicy");
	}
	wanted = asb_str(spec, "clusterIP");
	if (wanted != NULL && *wanted != '\0' && asb_length(asb_at(spec, "clusterIPs")) == 0) {
		json_object_object_add(spec, "clusterIPs", service_strings(wanted, NULL));
	}
	service_family_defaults(spec);
	if (old == NULL || asb_streq(asb_str(old, "spec", "type"), "ExternalName")) {
		if (!service_is_headless(spec)) {
			service_give_address(request, service);
		}
	}
	if (asb_streq(type, "NodePort") || asb_streq(type, "LoadBalancer")) {
		service_give_node_ports(request, spec);
	}
}
