# SPDX-License-Identifier: Apache-2.0

# volumes, environment, quantities, probes
check_PROGRAMS += tests/unit/test-quantity tests/unit/test-env
TESTS += tests/unit/test-quantity tests/unit/test-env
tests_unit_test_quantity_SOURCES = tests/unit/test-quantity.c
tests_unit_test_quantity_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_quantity_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_env_SOURCES = tests/unit/test-env.c tests/unit/node-objects.h
tests_unit_test_env_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_env_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-volumes tests/unit/test-volumes-tree
TESTS += tests/unit/test-volumes tests/unit/test-volumes-tree
tests_unit_test_volumes_SOURCES = tests/unit/test-volumes.c tests/unit/node-objects.h tests/unit/node-files.h
tests_unit_test_volumes_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_volumes_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_volumes_tree_SOURCES = tests/unit/test-volumes-tree.c tests/unit/node-files.h
tests_unit_test_volumes_tree_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_volumes_tree_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-volumes-mounts tests/unit/test-probe tests/unit/test-volumes-claims
TESTS += tests/unit/test-volumes-mounts tests/unit/test-probe tests/unit/test-volumes-claims
tests_unit_test_volumes_claims_SOURCES = tests/unit/test-volumes-claims.c tests/unit/node-objects.h tests/unit/node-files.h
tests_unit_test_volumes_claims_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_volumes_claims_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_volumes_mounts_SOURCES = tests/unit/test-volumes-mounts.c tests/unit/node-objects.h tests/unit/node-files.h
tests_unit_test_volumes_mounts_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_volumes_mounts_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_probe_SOURCES = tests/unit/test-probe.c tests/unit/node-objects.h
tests_unit_test_probe_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_probe_LDADD = libnode.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-probe-http
TESTS += tests/unit/test-probe-http
tests_unit_test_probe_http_SOURCES = tests/unit/test-probe-http.c tests/unit/node-objects.h $(TEST_SERVER)
tests_unit_test_probe_http_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_probe_http_LDADD = libnode.la $(TEST_SERVER_LIBS)

# containers on Podman
check_PROGRAMS += tests/unit/test-podman-create tests/unit/test-podman-inspect \
	tests/unit/test-podman-frame tests/unit/test-podman-reference tests/unit/test-podman-user
TESTS += tests/unit/test-podman-create tests/unit/test-podman-inspect \
	tests/unit/test-podman-frame tests/unit/test-podman-reference tests/unit/test-podman-user
tests_unit_test_podman_create_SOURCES = tests/unit/test-podman-create.c
tests_unit_test_podman_create_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_podman_create_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_podman_inspect_SOURCES = tests/unit/test-podman-inspect.c
tests_unit_test_podman_inspect_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_podman_inspect_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_podman_frame_SOURCES = tests/unit/test-podman-frame.c
tests_unit_test_podman_frame_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_podman_frame_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_podman_reference_SOURCES = tests/unit/test-podman-reference.c
tests_unit_test_podman_reference_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_podman_reference_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_podman_user_SOURCES = tests/unit/test-podman-user.c
tests_unit_test_podman_user_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_podman_user_LDADD = libnode.la $(CMOCKA_LIBS)

# the node itself
NODE_TESTS = tests/unit/test-node-backoff tests/unit/test-node-images tests/unit/test-node-objects \
	tests/unit/test-node-options tests/unit/test-node-plan tests/unit/test-node-room \
	tests/unit/test-node-serve tests/unit/test-node-status tests/unit/test-pod-security
NODE_FIXTURE = tests/unit/node-fixture.c tests/unit/node-fixture.h
check_PROGRAMS += $(NODE_TESTS)
TESTS += $(NODE_TESTS)
tests_unit_test_node_backoff_SOURCES = tests/unit/test-node-backoff.c
tests_unit_test_node_backoff_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_backoff_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_images_SOURCES = tests/unit/test-node-images.c
tests_unit_test_node_images_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_images_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_objects_SOURCES = tests/unit/test-node-objects.c
tests_unit_test_node_objects_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_objects_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_serve_SOURCES = tests/unit/test-node-serve.c
tests_unit_test_node_serve_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_serve_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_options_SOURCES = tests/unit/test-node-options.c node/options.c node/options.h
tests_unit_test_node_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_options_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_plan_SOURCES = tests/unit/test-node-plan.c $(NODE_FIXTURE)
tests_unit_test_node_plan_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_plan_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_room_SOURCES = tests/unit/test-node-room.c
tests_unit_test_node_room_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_room_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_node_status_SOURCES = tests/unit/test-node-status.c $(NODE_FIXTURE)
tests_unit_test_node_status_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_node_status_LDADD = libnode.la $(CMOCKA_LIBS)
tests_unit_test_pod_security_SOURCES = tests/unit/test-pod-security.c tests/unit/node-objects.h tests/unit/node-files.h
tests_unit_test_pod_security_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_pod_security_LDADD = libnode.la $(CMOCKA_LIBS)
