# SPDX-License-Identifier: Apache-2.0
include tests/unit/local.mk
include tests/abi/local.mk
include tests/fuzz/local.mk
include tests/plugin/local.mk
include tests/style/local.mk
include tests/contract/local.mk
include tests/sim/local.mk
include tests/install/local.mk
include tests/node/local.mk
include tests/runtime/local.mk
include tests/router/local.mk
include tests/e2e/local.mk
include tests/local/local.mk
include tests/client/local.mk
include tests/guides/local.mk
