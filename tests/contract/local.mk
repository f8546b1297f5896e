# SPDX-License-Identifier: Apache-2.0
# The promises of the controller, checked on a real kube-apiserver (skipped without $KUBEBUILDER_ASSETS) and on local mode.
TESTS += %D%/contract.sh %D%/contract-local.sh
EXTRA_DIST += %D%/README.md %D%/contract.sh %D%/contract-local.sh %D%/api.py %D%/audit.py %D%/cluster.py %D%/controller.py %D%/fakenode.py %D%/kubectl.py %D%/localserver.py %D%/process.py \
	%D%/proxy.py %D%/run.py %D%/suite.py \
	%D%/test_bad_input.py %D%/test_claim_v1beta1.py %D%/test_chaos.py %D%/test_check_cluster.py %D%/test_claim.py %D%/test_deploy.py %D%/test_expiry.py %D%/test_faults.py \
	%D%/test_kinds.py %D%/test_leases.py %D%/test_names.py %D%/test_pool.py %D%/test_pool_v1beta1.py %D%/test_process.py %D%/test_sandbox.py %D%/test_warm_pool_guide.py %D%/test_takeover.py \
	%D%/test_template.py %D%/test_trace.py %D%/test_warm.py

EXTRA_DIST += deploy/manifest.yaml deploy/extensions.yaml deploy/parts/namespace.yaml deploy/parts/controller.yaml deploy/parts/network-policy.yaml \
	deploy/rbac/role.yaml deploy/rbac/extensions-role.yaml \
	deploy/crds/sandboxclaims.extensions.agents.x-k8s.io.yaml deploy/crds/sandboxes.agents.x-k8s.io.yaml \
	deploy/crds/sandboxtemplates.extensions.agents.x-k8s.io.yaml \
	deploy/crds/sandboxwarmpools.extensions.agents.x-k8s.io.yaml \
	scripts/generate-deploy.py scripts/regenerate-deploy.sh scripts/schema.py
