# SPDX-License-Identifier: Apache-2.0
# Scripts that no other room ships, and what `make deploy-kind` builds with.
EXTRA_DIST += GNUmakefile %D%/packages.sh %D%/stage-runtime.sh %D%/build-image.sh \
	%D%/debian-base.sh %D%/kind-lib.sh %D%/deploy-kind.sh %D%/program-image.sh %D%/test-kind.sh deploy/Containerfile
# from a checkout to Python in a sandbox
EXTRA_DIST += %D%/run.sh %D%/run-claim.py

# A kind cluster with this build's controller in it: make deploy-kind EXTENSIONS=true
.PHONY: deploy-kind
deploy-kind:
	@$(srcdir)/scripts/deploy-kind.sh --check
	@$(MAKE) $(AM_MAKEFLAGS) all
	@BUILD_DIR='$(abs_top_builddir)' EXTENSIONS='$(EXTENSIONS)' $(srcdir)/scripts/deploy-kind.sh

# Debian packages: dpkg-buildpackage -us -uc -b
EXTRA_DIST += debian/agent-sandbox-controller.install debian/agent-sandbox-dev.install debian/agent-sandbox-local.install \
	debian/agent-sandbox-node.install debian/agent-sandbox-router.install debian/agent-sandbox-runtime.install \
	debian/changelog debian/control debian/copyright debian/not-installed debian/rules debian/source/format
