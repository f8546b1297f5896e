/* SPDX-License-Identifier: Apache-2.0 */
/* The specs of NetworkPolicies: what they are made of and whether two of them are equal. Called by
 * the plugins that create policies. */
#include "config.h"

#include "plugins/common/names.h"
#include "plugins/common/policy-rules.h"

/* A copy of the value as the API server returns it: without nulls and empty lists. */
static struct json_object *policy_rules_without_empty(struct json_object *value)
{
	struct json_object *copy;

	if (json_object_is_type(value, json_type_array)) {
		copy = json_object_new_array();
		for (size_t i = 0; i < asb_length(value); i++) {
			json_object_array_add(copy, policy_rules_without_empty(
							    json_object_array_get_idx(value, i)));
		}
		return copy;
	}
	if (!json_object_is_type(value, json_type_object)) {
		return asb_copy(value);
	}
	copy = json_object_new_object();
	json_object_object_foreach (value, name, member) {
		if (member != NULL &&
		    !(json_object_is_type(member, json_type_array) && asb_length(member) == 0)) {
			json_object_object_add(copy, name, policy_rules_without_empty(member));
		}
	}
	return copy;
}

/* Sets the default protocol that the API server sets in each port of each rule. */
static void policy_rules_default_ports(struct json_object *spec, const char *direction)
{
	struct json_object *rules = asb_array(spec, direction);

	for (size_t i = 0; i < asb_length(rules); i++) {
		struct json_object *ports = asb_array(json_object_array_get_idx(rules, i), "ports");

		for (size_t j = 0; j < asb_length(ports); j++) {
			struct json_object *port = json_object_array_get_idx(ports, j);

			if (json_object_is_type(port, json_type_object) &&
			    asb_at(port, "protocol") == NULL) {
				asb_set_str(port, "protocol", "TCP");
			}
		}
	}
}

bool policy_rules_same(struct json_object *wanted, struct json_object *stored)
{
	struct json_object *a = policy_rules_without_empty(wanted),
			   *b = policy_rules_without_empty(stored);
	bool same;

	policy_rules_default_ports(a, "ingress");
	policy_rules_default_ports(a, "egress");
	policy_rules_default_ports(b, "ingress");
	policy_rules_default_ports(b, "egress");
	same = json_object_equal(a, b) != 0;
	json_object_put(a);
	json_object_put(b);
	return same;
}

static void policy_rules_add(struct json_object *spec, struct json_object *rules,
			     const char *direction)
{
	struct json_object *list = asb_array(rules, direction);

	/* A direction that policyTypes names and that has no list is closed, as if the list were
	 * empty. */
	if (asb_length(list) > 0) {
		json_object_object_add(spec, direction, asb_copy(list));
	}
}

struct json_object *policy_rules_spec(struct json_object *rules, const char *label,
				      const char *value)
{
	struct json_object *spec = json_object_new_object(), *types = json_object_new_array();

	asb_set_str(asb_object_in(asb_object_in(spec, "podSelector"), "matchLabels"), label, value);
	json_object_array_add(types, json_object_new_string("Ingress"));
	json_object_array_add(types, json_object_new_string("Egress"));
	json_object_object_add(spec, "policyTypes", types);
	policy_rules_add(spec, rules, "ingress");
	policy_rules_add(spec, rules, "egress");
	return spec;
}

/*
 * Only the router comes in; out only to public addresses. Private and link-local ones, and with
 * them the DNS of the cluster and the metadata servers of clouds, are shut.
 */
static const char policy_rules_default_text[] =
	"{\"ingress\":[{\"from\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"agent-sandbox-system\"}},\"podSelector\":{\"matchLabels\":{\"app\":\"sandbox-router\"}}}]}],\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":\"0.0.0.0/0\",\"except\":[\"10.0.0.0/8\",\"172.16.0.0/12\",\"192.168.0.0/16\",\"169.254.0.0/16\"]}},{\"ipBlock\":{\"cidr\":\"::/0\",\"except\":[\"fc00::/7\",\"fe80::/10\"]}}]}]}";

struct json_object *policy_rules_default(void)
{
	return json_tokener_parse(policy_rules_default_text);
}
