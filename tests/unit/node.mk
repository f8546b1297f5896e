# SPDX-License-Identifier: Apache-2.0

# volumes, environment, probes
check_PROGRAMS += tests/unit/node/env/test-env
TESTS += tests/unit/node/env/test-env
tests_unit_node_env_test_env_SOURCES = tests/unit/node/env/test-env.c tests/unit/node/node-objects.h
tests_unit_node_env_test_env_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_env_test_env_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/node/volumes/test-volumes tests/unit/node/volumes/test-tree
TESTS += tests/unit/node/volumes/test-volumes tests/unit/node/volumes/test-tree
tests_unit_node_volumes_test_volumes_SOURCES = tests/unit/node/volumes/test-volumes.c tests/unit/node/node-objects.h tests/unit/node/node-files.h
tests_unit_node_volumes_test_volumes_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_volumes_test_volumes_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_volumes_test_tree_SOURCES = tests/unit/node/volumes/test-tree.c tests/unit/node/node-files.h
tests_unit_node_volumes_test_tree_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_volumes_test_tree_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/node/volumes/test-mounts tests/unit/node/probes/test-probe tests/unit/node/volumes/test-claims
TESTS += tests/unit/node/volumes/test-mounts tests/unit/node/probes/test-probe tests/unit/node/volumes/test-claims
tests_unit_node_volumes_test_claims_SOURCES = tests/unit/node/volumes/test-claims.c tests/unit/node/node-objects.h tests/unit/node/node-files.h
tests_unit_node_volumes_test_claims_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_volumes_test_claims_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_volumes_test_mounts_SOURCES = tests/unit/node/volumes/test-mounts.c tests/unit/node/node-objects.h tests/unit/node/node-files.h
tests_unit_node_volumes_test_mounts_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_volumes_test_mounts_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_probes_test_probe_SOURCES = tests/unit/node/probes/test-probe.c tests/unit/node/node-objects.h
tests_unit_node_probes_test_probe_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_probes_test_probe_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/net/test-probe-http
TESTS += tests/unit/net/test-probe-http
tests_unit_net_test_probe_http_SOURCES = tests/unit/net/test-probe-http.c tests/unit/node/node-objects.h $(TEST_SERVER)
tests_unit_net_test_probe_http_CFLAGS = $(TEST_CFLAGS)
tests_unit_net_test_probe_http_LDADD = libnode.la $(TEST_SERVER_LIBS)

# containers on Podman
check_PROGRAMS += tests/unit/node/podman/test-create tests/unit/node/podman/test-inspect \
	tests/unit/node/podman/test-frame tests/unit/node/podman/test-reference tests/unit/node/podman/test-user
TESTS += tests/unit/node/podman/test-create tests/unit/node/podman/test-inspect \
	tests/unit/node/podman/test-frame tests/unit/node/podman/test-reference tests/unit/node/podman/test-user
tests_unit_node_podman_test_create_SOURCES = tests/unit/node/podman/test-create.c
tests_unit_node_podman_test_create_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_podman_test_create_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_podman_test_inspect_SOURCES = tests/unit/node/podman/test-inspect.c
tests_unit_node_podman_test_inspect_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_podman_test_inspect_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_podman_test_frame_SOURCES = tests/unit/node/podman/test-frame.c
tests_unit_node_podman_test_frame_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_podman_test_frame_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_podman_test_reference_SOURCES = tests/unit/node/podman/test-reference.c
tests_unit_node_podman_test_reference_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_podman_test_reference_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_podman_test_user_SOURCES = tests/unit/node/podman/test-user.c
tests_unit_node_podman_test_user_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_podman_test_user_LDADD = libnode.la $(CMOCKA_LIBS)

# the node itself
NODE_TESTS = tests/unit/node/pod/test-backoff tests/unit/node/pod/test-images tests/unit/node/pod/test-scheduler \
	tests/unit/node/test-options tests/unit/node/pod/test-plan tests/unit/node/pod/test-room \
	tests/unit/node/server/test-kubelet-server tests/unit/node/pod/test-status tests/unit/node/pod/test-security
NODE_FIXTURE = tests/unit/node/node-fixture.c tests/unit/node/node-fixture.h
check_PROGRAMS += $(NODE_TESTS)
TESTS += $(NODE_TESTS)
tests_unit_node_pod_test_backoff_SOURCES = tests/unit/node/pod/test-backoff.c
tests_unit_node_pod_test_backoff_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_backoff_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_images_SOURCES = tests/unit/node/pod/test-images.c
tests_unit_node_pod_test_images_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_images_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_scheduler_SOURCES = tests/unit/node/pod/test-scheduler.c
tests_unit_node_pod_test_scheduler_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_scheduler_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_server_test_kubelet_server_SOURCES = tests/unit/node/server/test-kubelet-server.c
tests_unit_node_server_test_kubelet_server_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_server_test_kubelet_server_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_test_options_SOURCES = tests/unit/node/test-options.c node/options.c node/options.h
tests_unit_node_test_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_test_options_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_plan_SOURCES = tests/unit/node/pod/test-plan.c $(NODE_FIXTURE)
tests_unit_node_pod_test_plan_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_plan_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_room_SOURCES = tests/unit/node/pod/test-room.c
tests_unit_node_pod_test_room_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_room_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_status_SOURCES = tests/unit/node/pod/test-status.c $(NODE_FIXTURE)
tests_unit_node_pod_test_status_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_status_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_node_pod_test_security_SOURCES = tests/unit/node/pod/test-security.c tests/unit/node/node-objects.h tests/unit/node/node-files.h
tests_unit_node_pod_test_security_CFLAGS = $(TEST_CFLAGS)
tests_unit_node_pod_test_security_LDADD = libnode.la $(CMOCKA_LIBS)
