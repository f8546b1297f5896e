# SPDX-License-Identifier: Apache-2.0

# The node against a real kube-apiserver. Skipped without $KUBEBUILDER_ASSETS.
TESTS += %D%/node.sh
EXTRA_DIST += %D%/node.sh %D%/nodesuite.py %D%/run.py %D%/test_node.py %D%/test_pods.py
