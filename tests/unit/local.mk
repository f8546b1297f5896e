# SPDX-License-Identifier: Apache-2.0

# base/
check_PROGRAMS += tests/unit/test-sched
TESTS += tests/unit/test-sched
tests_unit_test_sched_SOURCES = tests/unit/test-sched.c
tests_unit_test_sched_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_sched_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-map
TESTS += tests/unit/test-map
tests_unit_test_map_SOURCES = tests/unit/test-map.c
tests_unit_test_map_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_map_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-heap
TESTS += tests/unit/test-heap
tests_unit_test_heap_SOURCES = tests/unit/test-heap.c
tests_unit_test_heap_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_heap_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-tree
TESTS += tests/unit/test-tree
tests_unit_test_tree_SOURCES = tests/unit/test-tree.c
tests_unit_test_tree_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_tree_LDADD = libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-kind tests/unit/test-patch tests/unit/test-version
TESTS += tests/unit/test-kind tests/unit/test-patch tests/unit/test-version
tests_unit_test_kind_SOURCES = tests/unit/test-kind.c
tests_unit_test_kind_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_kind_LDADD = libkube.la $(CMOCKA_LIBS)
tests_unit_test_patch_SOURCES = tests/unit/test-patch.c
tests_unit_test_patch_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_patch_LDADD = libkube.la $(CMOCKA_LIBS)
tests_unit_test_version_SOURCES = tests/unit/test-version.c
tests_unit_test_version_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_version_LDADD = libkube.la $(CMOCKA_LIBS)
