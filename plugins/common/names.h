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
/* The versions of both of our groups, and the one in which the plugins read and write. */
#define VERSION_ALPHA "v1alpha1"
#define VERSION_BETA "v1beta1"
#define API_VERSION VERSION_BETA

/* On a pod: the name hash of its Sandbox, and the UIDs of its Sandbox and of its SandboxClaim. */
#define LABEL_NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define LABEL_SANDBOX_UID "agents.x-k8s.io/sandbox-uid"
#define LABEL_CLAIM_UID "agents.x-k8s.io/claim-uid"
/* On a pod of a pool: the name hashes of its SandboxWarmPool and of its SandboxTemplate. The second
 * one is also on the Sandboxes of pools and claims of v1beta1, on their pods and on the template. */
#define LABEL_POOL "agents.x-k8s.io/pool"
#define LABEL_TEMPLATE_HASH "agents.x-k8s.io/sandbox-template-ref-hash"
/* On a Sandbox of a pool, on its podTemplate and its pod: the name hash of its SandboxWarmPool. */
#define LABEL_WARM_POOL "agents.x-k8s.io/warm-pool-sandbox"
/* On a Sandbox of a pool and its podTemplate: the hashes of the template's blueprint and of its
 * podTemplate. */
#define LABEL_BLUEPRINT_HASH "agents.x-k8s.io/sandbox-template-hash"
#define LABEL_POD_TEMPLATE_HASH "agents.x-k8s.io/sandbox-pod-template-hash"
/* On a Sandbox of a claim: "warm" or "cold". */
#define LABEL_LAUNCH_TYPE "agents.x-k8s.io/launch-type"
/* On a claim and its Sandbox: which client created it. */
#define LABEL_CREATED_BY "agents.x-k8s.io/created-by"
/* On a pod, Service or PersistentVolumeClaim without an owner: "true" lets a Sandbox adopt it. */
#define LABEL_ADOPTABLE "agents.x-k8s.io/adoptable"

/* On a Sandbox: the pod that it has adopted. */
#define ANNOTATION_POD_NAME "agents.x-k8s.io/pod-name"
/* On a pod of a pool: the SHA-256 of the podTemplate that it was made from. */
#define ANNOTATION_POD_TEMPLATE_HASH "agents.x-k8s.io/pod-template-hash"
/* On a NetworkPolicy: the SHA-256 of the spec that the claim plugin asked for. */
#define ANNOTATION_POLICY_HASH "agents.x-k8s.io/network-policy-hash"
/* On a Sandbox of a pool or of a claim: the name of its SandboxTemplate. */
#define ANNOTATION_TEMPLATE "agents.x-k8s.io/sandbox-template-ref"
/* On a pod: the keys, sorted and separated by commas, that its Sandbox's podTemplate gave it. */
#define ANNOTATION_PROPAGATED_LABELS "agents.x-k8s.io/propagated-labels"
#define ANNOTATION_PROPAGATED_ANNOTATIONS "agents.x-k8s.io/propagated-annotations"
/* On a SandboxClaim: the name of the Sandbox that is reserved for it. */
#define ANNOTATION_SANDBOX_NAME "agents.x-k8s.io/sandbox-name"
/* On a SandboxClaim, RFC 3339 with nanoseconds: when the controller saw it first, when it was Ready
 * first, and what clients and webhooks say. */
#define ANNOTATION_OBSERVED_AT "agents.x-k8s.io/controller-first-observed-at"
#define ANNOTATION_READY_AT "agents.x-k8s.io/claim-first-ready-at"
#define ANNOTATION_REQUESTED_AT "agents.x-k8s.io/client-first-requested-at"
#define ANNOTATION_WEBHOOK_AT "agents.x-k8s.io/webhook-first-observed-at"
/* On a pod: lets the cluster autoscaler evict it. */
#define ANNOTATION_SAFE_TO_EVICT "cluster-autoscaler.kubernetes.io/safe-to-evict"
/* On a SandboxClaim, copied to its Sandbox. */
#define ANNOTATION_TRACE_CONTEXT "opentelemetry.io/trace-context"

#endif
