# SPDX-License-Identifier: Apache-2.0
# Not built here: examples build against what is installed, as others would. tests/install/ does that.
EXTRA_DIST += %D%/plugin/Makefile %D%/plugin/README.md %D%/plugin/crd.yaml %D%/plugin/rbac.yaml \
	%D%/plugin/sandbox-ttl.c %D%/plugin/test-sandbox-ttl.c
# A template, a pool and a claim.
EXTRA_DIST += %D%/warm-pool/README.md %D%/warm-pool/claim.yaml %D%/warm-pool/runtime-class-gvisor.yaml \
	%D%/warm-pool/template-gvisor.yaml %D%/warm-pool/template.yaml %D%/warm-pool/warm-pool.yaml
# the guides' sandboxes
EXTRA_DIST += %D%/python-runtime-sandbox/Dockerfile %D%/python-runtime-sandbox/run-test-docker \
	%D%/python-runtime-sandbox/run-test-kind.sh %D%/python-runtime-sandbox/sandbox-python-kind.yaml \
	%D%/python-runtime-sandbox/README.md %D%/python-runtime-sandbox/tester.py %D%/python-template-sandbox/README.md \
	%D%/python-template-sandbox/Dockerfile %D%/python-template-sandbox/run-test-kind.sh \
	%D%/python-template-sandbox/sandbox-python-claim.yaml %D%/python-template-sandbox/sandbox-python-template.yaml \
	%D%/python-template-sandbox/tester.py
