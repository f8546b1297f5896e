# SPDX-License-Identifier: Apache-2.0
dist_man_MANS = %D%/man/agent-sandbox-controller.8
EXTRA_DIST += %D%/plugin-abi.md %D%/versions.md
EXTRA_DIST += %D%/architecture.md %D%/metrics.md %D%/performance.md %D%/security.md
EXTRA_DIST += CONTRIBUTING.md autogen.sh scripts/test.sh
# the node
dist_man_MANS += %D%/man/agent-sandbox-node.8
EXTRA_DIST += %D%/node.md
# local mode
dist_man_MANS += %D%/man/agent-sandbox-local.8
EXTRA_DIST += %D%/local-mode.md
# the guides
EXTRA_DIST += %D%/guides/upstream-guides.md %D%/guides/python-client.md
# the router
dist_man_MANS += %D%/man/agent-sandbox-router.8
EXTRA_DIST += %D%/router.md
# the runtime
dist_man_MANS += %D%/man/agent-sandbox-runtime.8
EXTRA_DIST += %D%/runtime.md
