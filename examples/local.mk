# SPDX-License-Identifier: Apache-2.0
# Not built here: examples build against what is installed, as others would. tests/install/ does that.
EXTRA_DIST += %D%/plugin/Makefile %D%/plugin/README.md %D%/plugin/crd.yaml %D%/plugin/rbac.yaml \
	%D%/plugin/sandbox-ttl.c %D%/plugin/test-sandbox-ttl.c
