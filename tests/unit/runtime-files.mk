# SPDX-License-Identifier: Apache-2.0
# runtime/: files
RUNTIME_FILES_LIBS = libruntime-files.la libruntime.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-runtime-path tests/unit/test-runtime-path-text tests/unit/test-range \
	tests/unit/test-disposition tests/unit/test-form-header tests/unit/test-multipart
TESTS += tests/unit/test-runtime-path tests/unit/test-runtime-path-text tests/unit/test-range \
	tests/unit/test-disposition tests/unit/test-form-header tests/unit/test-multipart
tests_unit_test_runtime_path_SOURCES = tests/unit/test-runtime-path.c
tests_unit_test_runtime_path_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_runtime_path_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_test_runtime_path_text_SOURCES = tests/unit/test-runtime-path-text.c
tests_unit_test_runtime_path_text_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_runtime_path_text_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_test_range_SOURCES = tests/unit/test-range.c
tests_unit_test_range_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_range_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_test_disposition_SOURCES = tests/unit/test-disposition.c
tests_unit_test_disposition_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_disposition_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_test_form_header_SOURCES = tests/unit/test-form-header.c
tests_unit_test_form_header_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_form_header_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_test_multipart_SOURCES = tests/unit/test-multipart.c
tests_unit_test_multipart_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_multipart_LDADD = $(RUNTIME_FILES_LIBS)
