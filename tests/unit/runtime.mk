# SPDX-License-Identifier: Apache-2.0
include tests/unit/runtime-files.mk

# runtime/: commands
RUNTIME_LIBS = libruntime.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/runtime/exec/test-shlex tests/unit/runtime/exec/test-output tests/unit/runtime/exec/test-users
TESTS += tests/unit/runtime/exec/test-shlex tests/unit/runtime/exec/test-output tests/unit/runtime/exec/test-users
tests_unit_runtime_exec_test_shlex_SOURCES = tests/unit/runtime/exec/test-shlex.c
tests_unit_runtime_exec_test_shlex_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_shlex_LDADD = $(RUNTIME_LIBS)
tests_unit_runtime_exec_test_output_SOURCES = tests/unit/runtime/exec/test-output.c
tests_unit_runtime_exec_test_output_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_output_LDADD = $(RUNTIME_LIBS)
tests_unit_runtime_exec_test_users_SOURCES = tests/unit/runtime/exec/test-users.c
tests_unit_runtime_exec_test_users_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_users_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/runtime/test-options
TESTS += tests/unit/runtime/test-options
tests_unit_runtime_test_options_SOURCES = tests/unit/runtime/test-options.c
tests_unit_runtime_test_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_test_options_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/runtime/exec/test-command
TESTS += tests/unit/runtime/exec/test-command
tests_unit_runtime_exec_test_command_SOURCES = tests/unit/runtime/exec/test-command.c
tests_unit_runtime_exec_test_command_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_command_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/runtime/http/test-json-body
TESTS += tests/unit/runtime/http/test-json-body
tests_unit_runtime_http_test_json_body_SOURCES = tests/unit/runtime/http/test-json-body.c
tests_unit_runtime_http_test_json_body_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_http_test_json_body_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/runtime/http/test-guard
TESTS += tests/unit/runtime/http/test-guard
tests_unit_runtime_http_test_guard_SOURCES = tests/unit/runtime/http/test-guard.c
tests_unit_runtime_http_test_guard_CFLAGS = $(TEST_CFLAGS) $(MHD_CFLAGS)
tests_unit_runtime_http_test_guard_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/runtime/exec/test-signals tests/unit/runtime/exec/test-drain tests/unit/runtime/exec/test-spawner
TESTS += tests/unit/runtime/exec/test-signals tests/unit/runtime/exec/test-drain tests/unit/runtime/exec/test-spawner
tests_unit_runtime_exec_test_signals_SOURCES = tests/unit/runtime/exec/test-signals.c
tests_unit_runtime_exec_test_signals_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_signals_LDADD = $(RUNTIME_LIBS)
tests_unit_runtime_exec_test_drain_SOURCES = tests/unit/runtime/exec/test-drain.c
tests_unit_runtime_exec_test_drain_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_drain_LDADD = $(RUNTIME_LIBS)
tests_unit_runtime_exec_test_spawner_SOURCES = tests/unit/runtime/exec/test-spawner.c
tests_unit_runtime_exec_test_spawner_CFLAGS = $(TEST_CFLAGS)
tests_unit_runtime_exec_test_spawner_LDADD = $(RUNTIME_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-shlex tests/fuzz/fuzz-json-body
TESTS += tests/fuzz/fuzz-shlex tests/fuzz/fuzz-json-body
tests_fuzz_fuzz_shlex_SOURCES = tests/fuzz/fuzz-shlex.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_shlex_LDADD = libruntime.la
tests_fuzz_fuzz_json_body_SOURCES = tests/fuzz/fuzz-json-body.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_json_body_LDADD = libruntime.la
