/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds as constants. The plugins build objects from them and compare owners with them. */
#include "config.h"

#include "plugins/common/kinds.h"

const struct asb_kind kind_sandbox = KIND_SANDBOX;
const struct asb_kind kind_claim = KIND_CLAIM;
const struct asb_kind kind_pool = KIND_POOL;
const struct asb_kind kind_template = KIND_TEMPLATE;
const struct asb_kind kind_pod = KIND_POD;
const struct asb_kind kind_service = KIND_SERVICE;
const struct asb_kind kind_volume_claim = KIND_VOLUME_CLAIM;
const struct asb_kind kind_policy = KIND_POLICY;
