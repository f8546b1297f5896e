/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which API version an object was written for. Both versions are served from one schema and the
 * plugins read and write v1beta1 only, so apiVersion says nothing: the marks that the CRDs give by
 * defaults which differ per version do (docs/versions.md). A dialect belongs to an object, never to
 * the process. All functions are pure: an index may call them on any thread. Objects are borrowed.
 */
#ifndef PLUGINS_COMMON_DIALECT_H
#define PLUGINS_COMMON_DIALECT_H

#include <agent-sandbox/helpers.h>

enum dialect {
	DIALECT_ALPHA, /* v1alpha1 */
	DIALECT_BETA,  /* v1beta1 */
};

/* What the members of a SandboxWarmPool are: its spec.members, by default Sandboxes. */
enum dialect_members {
	DIALECT_MEMBERS_PODS, /* v1alpha1 */
	DIALECT_MEMBERS_SANDBOXES,
};

/* Who manages NetworkPolicies: the networkPolicyManagement of a SandboxTemplate, by default
 * Managed. */
enum dialect_policy {
	DIALECT_POLICY_PER_CLAIM, /* v1alpha1: one policy for each claim, none without rules */
	DIALECT_POLICY_MANAGED,   /* one policy for the template */
	DIALECT_POLICY_UNMANAGED, /* none */
};

/* Whether a Sandbox has a Service: its spec.service. */
enum dialect_service {
	DIALECT_SERVICE_UNSET, /* an owned one is kept, none is made */
	DIALECT_SERVICE_TRUE,
	DIALECT_SERVICE_FALSE, /* an owned one is deleted */
};

/* Why a Sandbox has no pod (bits). Either is enough; only the field that suspended it resumes it. */
#define DIALECT_SUSPENDED_MODE 1u     /* operatingMode is Suspended */
#define DIALECT_SUSPENDED_REPLICAS 2u /* replicas is 0 */

/* By spec.origin; one without it counts as v1beta1. */
enum dialect dialect_of_sandbox(struct json_object *sandbox);
/* v1beta1 names a pool, whatever else it names; v1alpha1 names a template. */
enum dialect dialect_of_claim(struct json_object *claim);
enum dialect_members dialect_members(struct json_object *pool);
enum dialect_policy dialect_policy(struct json_object *claim_template);
enum dialect_service dialect_service(struct json_object *sandbox);
/* DIALECT_SUSPENDED_* bits, 0: it runs. */
uint32_t dialect_suspended(struct json_object *sandbox);

/* Gives a new Sandbox the marks that a Sandbox created in that version gets from the CRD: those of
 * v1alpha1 are replicas 1 and a Service, where it says nothing else. */
void dialect_mark_sandbox(struct json_object *sandbox, enum dialect dialect);

/* As asb_owner_reference() and asb_set_owner(), with the apiVersion of the owner's dialect: clients
 * of each version compare it. Owners are matched by group, kind and UID only. The caller owns the
 * reference. */
struct json_object *dialect_owner_reference(struct json_object *owner);
void dialect_set_owner(struct json_object *object, struct json_object *owner);

#endif
