# SPDX-License-Identifier: Apache-2.0
# What the guides tell people to type. Cases that need Podman or $KUBEBUILDER_ASSETS are skipped without.
TESTS += %D%/guides.sh
EXTRA_DIST += %D%/guides.sh %D%/run.py %D%/standin.sh %D%/test_kind.py %D%/test_images.py %D%/test_kubectl.py
