/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds that the plugins of this project read and write: as macros for their tables of watches,
 * and as constants for everything else.
 */
#ifndef PLUGINS_COMMON_KINDS_H
#define PLUGINS_COMMON_KINDS_H

#include "plugins/common/names.h"

#include <agent-sandbox/plugin.h>

/* clang-format off */
#define KIND(group_, version_, plural_, kind_) \
	{ .group = (group_), .version = (version_), .plural = (plural_), .kind = (kind_) }
/* clang-format on */

#define KIND_SANDBOX KIND(GROUP_AGENTS, API_VERSION, "sandboxes", "Sandbox")
#define KIND_CLAIM KIND(GROUP_EXTENSIONS, API_VERSION, "sandboxclaims", "SandboxClaim")
#define KIND_POOL KIND(GROUP_EXTENSIONS, API_VERSION, "sandboxwarmpools", "SandboxWarmPool")
#define KIND_TEMPLATE KIND(GROUP_EXTENSIONS, API_VERSION, "sandboxtemplates", "SandboxTemplate")
#define KIND_POD KIND("", "v1", "pods", "Pod")
#define KIND_SERVICE KIND("", "v1", "services", "Service")
#define KIND_VOLUME_CLAIM KIND("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
#define KIND_POLICY KIND(GROUP_NETWORKING, "v1", "networkpolicies", "NetworkPolicy")

extern const struct asb_kind kind_sandbox;
extern const struct asb_kind kind_claim;
extern const struct asb_kind kind_pool;
extern const struct asb_kind kind_template;
extern const struct asb_kind kind_pod;
extern const struct asb_kind kind_service;
extern const struct asb_kind kind_volume_claim;
extern const struct asb_kind kind_policy;

#endif
