# SPDX-License-Identifier: Apache-2.0
# From a claim to a command in a real container. Skipped where there is no Podman, no root or no $KUBEBUILDER_ASSETS.
TESTS += %D%/e2e.sh
EXTRA_DIST += %D%/e2e.sh %D%/run.py %D%/world.py %D%/test_isolation.py %D%/test_many.py %D%/test_pods.py %D%/test_warm_pool_guide.py %D%/test_trace.py
