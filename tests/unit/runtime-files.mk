# SPDX-License-Identifier: Apache-2.0
# runtime/: files
RUNTIME_FILES_LIBS = libruntime.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/runtime/files/test-path tests/unit/runtime/files/test-path-text tests/unit/runtime/files/test-range \
	tests/unit/runtime/files/test-disposition tests/unit/runtime/files/test-form-header tests/unit/runtime/files/test-multipart
TESTS += tests/unit/runtime/files/test-path tests/unit/runtime/files/test-path-text tests/unit/runtime/files/test-range \
	tests/unit/runtime/files/test-disposition tests/unit/runtime/files/test-form-header tests/unit/runtime/files/test-multipart
tests_unit_runtime_files_test_path_SOURCES = tests/unit/runtime/files/test-path.c
tests_unit_runtime_files_test_path_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_path_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_runtime_files_test_path_text_SOURCES = tests/unit/runtime/files/test-path-text.c
tests_unit_runtime_files_test_path_text_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_path_text_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_runtime_files_test_range_SOURCES = tests/unit/runtime/files/test-range.c
tests_unit_runtime_files_test_range_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_range_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_runtime_files_test_disposition_SOURCES = tests/unit/runtime/files/test-disposition.c
tests_unit_runtime_files_test_disposition_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_disposition_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_runtime_files_test_form_header_SOURCES = tests/unit/runtime/files/test-form-header.c
tests_unit_runtime_files_test_form_header_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_form_header_LDADD = $(RUNTIME_FILES_LIBS)
tests_unit_runtime_files_test_multipart_SOURCES = tests/unit/runtime/files/test-multipart.c
tests_unit_runtime_files_test_multipart_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_files_test_multipart_LDADD = $(RUNTIME_FILES_LIBS)
