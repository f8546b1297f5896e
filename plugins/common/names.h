/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that the API of agent-sandbox is made of: groups, version, labels and annotations.
 * Every plugin of this project takes them from here; tests/style/names.sh compares those that the
 * router and the Python client write themselves.
 */
#ifndef PLUGINS_COMMON_NAMES_H
#define PLUGINS_COMMON_NAMES_H

#define GROUP_AGENTS "agents.x-k8s.io"
#define GROUP_EXTENSIONS "extensions.agents.x-k8s.io"
#define GROUP_NETWORKING "networking.k8s.io"
/* The version of both of our groups. */
#define API_VERSION "v1alpha1"

/* On a pod: the name hash of its Sandbox, and the UIDs of its Sandbox and of its SandboxClaim. */
#define LABEL_NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define LABEL_SANDBOX_UID "agents.x-k8s.io/sandbox-uid"
#define LABEL_CLAIM_UID "agents.x-k8s.io/claim-uid"
/* On a pod of a pool: the name hashes of its SandboxWarmPool and of its SandboxTemplate. */
#define LABEL_POOL "agents.x-k8s.io/pool"
#define LABEL_TEMPLATE_HASH "agents.x-k8s.io/sandbox-template-ref-hash"

/* On a Sandbox: the pod that it has adopted. */
#define ANNOTATION_POD_NAME "agents.x-k8s.io/pod-name"
/* On a pod of a pool: the SHA-256 of the podTemplate that it was made from. */
#define ANNOTATION_POD_TEMPLATE_HASH "agents.x-k8s.io/pod-template-hash"
/* On a NetworkPolicy: the SHA-256 of the spec that the claim plugin asked for. */
#define ANNOTATION_POLICY_HASH "agents.x-k8s.io/network-policy-hash"
/* On a SandboxClaim, copied to its Sandbox. */
#define ANNOTATION_TRACE_CONTEXT "opentelemetry.io/trace-context"

#endif
