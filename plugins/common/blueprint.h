/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blueprint of a SandboxTemplate: the spec of the Sandboxes that are made from it, and whether
 * a Sandbox still fits it. The plugins that create Sandboxes and those that choose among them call
 * the same functions. All are pure functions of trees.
 */
#ifndef PLUGINS_COMMON_BLUEPRINT_H
#define PLUGINS_COMMON_BLUEPRINT_H

#include <agent-sandbox/helpers.h>

#define BLUEPRINT_HASH_SIZE 33u

/* The spec of a Sandbox of v1beta1 made from a SandboxTemplate, owned by the caller: podTemplate
 * with the secure defaults, volumeClaimTemplates, service. */
struct json_object *blueprint_spec(struct json_object *sandbox_template);

/* Whether two specs of Sandboxes run the same: pod spec, service, names and specs of the
 * volumeClaimTemplates. Labels and annotations do not count. What a typed client of another
 * language writes differently (null, an empty list, "0.5" for "500m") is equal. */
bool blueprint_same(struct json_object *a, struct json_object *b);

/* Whether a Sandbox was made from the template of that name and has the same spec as its
 * blueprint. */
bool blueprint_fits(struct json_object *sandbox, const char *template_name,
		    struct json_object *blueprint);

/* A hash, fit for a label, of what blueprint_fits() compares. A Sandbox with the blueprint's hash
 * need not be compared; a Sandbox with any other hash may fit all the same. */
void blueprint_hash(struct asb_call *call, const char *template_name, struct json_object *blueprint,
		    char ret[BLUEPRINT_HASH_SIZE]);

#endif
