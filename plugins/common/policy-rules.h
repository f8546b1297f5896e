/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The specs of NetworkPolicies for sandboxes. The plugins that create them and the dry runs of the
 * template plugin call the same functions, so that what is checked is what is made. All are pure
 * functions of trees.
 */
#ifndef PLUGINS_COMMON_POLICY_RULES_H
#define PLUGINS_COMMON_POLICY_RULES_H

#include <agent-sandbox/helpers.h>

/* The spec of a NetworkPolicy with a template's spec.networkPolicy, owned by the caller: it selects
 * the pods that have this label. */
struct json_object *policy_rules_spec(struct json_object *rules, const char *label,
				      const char *value);

/* The rules, as in spec.networkPolicy, of a template of v1beta1 that gives none; owned by the
 * caller. */
struct json_object *policy_rules_default(void);

/* Whether a stored spec is the wanted one: what the API server adds or leaves out does not count. */
bool policy_rules_same(struct json_object *wanted, struct json_object *stored);

#endif
