# SPDX-License-Identifier: Apache-2.0

# The node against a real kube-apiserver. Skipped without $KUBEBUILDER_ASSETS.
TESTS += %D%/node.sh
EXTRA_DIST += %D%/node.sh %D%/nodesuite.py %D%/run.py %D%/test_node.py %D%/test_pods.py

# The runtime on the real Podman; skipped where it cannot run.
check_PROGRAMS += %D%/test-podman %D%/test-podman-guard
TESTS += %D%/test-podman %D%/test-podman-guard
tests_node_test_podman_SOURCES = %D%/test-podman.c %D%/podman-world.c %D%/podman-world.h
tests_node_test_podman_CFLAGS = $(TEST_CFLAGS)
tests_node_test_podman_LDADD = libnode.la $(CMOCKA_LIBS)
tests_node_test_podman_guard_SOURCES = %D%/test-podman-guard.c %D%/podman-world.c %D%/podman-world.h
tests_node_test_podman_guard_CFLAGS = $(TEST_CFLAGS)
tests_node_test_podman_guard_LDADD = libnode.la $(CMOCKA_LIBS)
