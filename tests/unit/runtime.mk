# SPDX-License-Identifier: Apache-2.0
include tests/unit/runtime-files.mk

# runtime/: commands
RUNTIME_LIBS = libruntime.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-shlex tests/unit/test-output tests/unit/test-users
TESTS += tests/unit/test-shlex tests/unit/test-output tests/unit/test-users
tests_unit_test_shlex_SOURCES = tests/unit/test-shlex.c
tests_unit_test_shlex_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_shlex_LDADD = $(RUNTIME_LIBS)
tests_unit_test_output_SOURCES = tests/unit/test-output.c
tests_unit_test_output_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_output_LDADD = $(RUNTIME_LIBS)
tests_unit_test_users_SOURCES = tests/unit/test-users.c
tests_unit_test_users_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_users_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/test-runtime-options
TESTS += tests/unit/test-runtime-options
tests_unit_test_runtime_options_SOURCES = tests/unit/test-runtime-options.c
tests_unit_test_runtime_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_runtime_options_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/test-command
TESTS += tests/unit/test-command
tests_unit_test_command_SOURCES = tests/unit/test-command.c
tests_unit_test_command_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_command_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/test-json-body
TESTS += tests/unit/test-json-body
tests_unit_test_json_body_SOURCES = tests/unit/test-json-body.c
tests_unit_test_json_body_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_json_body_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/test-guard
TESTS += tests/unit/test-guard
tests_unit_test_guard_SOURCES = tests/unit/test-guard.c
tests_unit_test_guard_CFLAGS = $(TEST_CFLAGS) $(MHD_CFLAGS)
tests_unit_test_guard_LDADD = $(RUNTIME_LIBS)
check_PROGRAMS += tests/unit/test-signals tests/unit/test-drain tests/unit/test-spawner
TESTS += tests/unit/test-signals tests/unit/test-drain tests/unit/test-spawner
tests_unit_test_signals_SOURCES = tests/unit/test-signals.c
tests_unit_test_signals_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_signals_LDADD = $(RUNTIME_LIBS)
tests_unit_test_drain_SOURCES = tests/unit/test-drain.c
tests_unit_test_drain_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_drain_LDADD = $(RUNTIME_LIBS)
tests_unit_test_spawner_SOURCES = tests/unit/test-spawner.c
tests_unit_test_spawner_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_spawner_LDADD = $(RUNTIME_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-shlex tests/fuzz/fuzz-json-body
TESTS += tests/fuzz/fuzz-shlex tests/fuzz/fuzz-json-body
tests_fuzz_fuzz_shlex_SOURCES = tests/fuzz/fuzz-shlex.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_shlex_LDADD = libruntime.la
tests_fuzz_fuzz_json_body_SOURCES = tests/fuzz/fuzz-json-body.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_json_body_LDADD = libruntime.la
