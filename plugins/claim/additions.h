/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a claim of v1beta1 may add to the Sandbox that is made for it: labels and annotations of the
 * pod, environment variables, volumes. The template says what is allowed. All are pure functions of
 * trees; the messages are part of the API.
 */
#ifndef PLUGINS_CLAIM_ADDITIONS_H
#define PLUGINS_CLAIM_ADDITIONS_H

#include <agent-sandbox/helpers.h>

/* Why a claim gets no Sandbox: the reason and the message of its condition Ready. */
struct refusal {
	const char *reason; /* a constant */
	char message[1024];
};

#define REASON_METADATA "InvalidMetadata"
#define REASON_ENV "EnvVarsInjectionRejected"
#define REASON_VOLUMES "VolumeClaimTemplatesError"
#define REASON_ERROR "ReconcilerError"

/* Fills in a refusal and returns false. */
bool refusal_set(struct refusal *ret, const char *reason, const char *format, ...) ASB_PRINTF(3, 4);

/* Whether metadata (spec.additionalPodMetadata, may be NULL) may be added to this podTemplate.
 * domains are those that a label's key may have, or be below, separated by commas or white space. */
bool metadata_check(struct json_object *metadata, struct json_object *pod_template,
		    const char *domains, struct refusal *ret);
/* Adds it; metadata_check() allowed it. */
void metadata_apply(struct json_object *metadata, struct json_object *pod_template);

/* Adds spec.env (an array or NULL) to the containers of a pod's spec, as the
 * envVarsInjectionPolicy (NULL: Disallowed) allows. Returns false with the reason, and then the spec
 * is of no use. */
bool env_apply(struct json_object *env, const char *policy, struct json_object *pod_spec,
	       struct refusal *ret);

/* Adds spec.volumeClaimTemplates of a claim (an array or NULL) to the spec of its Sandbox, as the
 * volumeClaimTemplatesPolicy (NULL: Disallowed) allows. Returns as env_apply(). */
bool volumes_apply(struct json_object *volumes, const char *policy,
		   struct json_object *sandbox_spec, struct refusal *ret);

#endif
