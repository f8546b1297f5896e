# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/fuzz-runtime-path %D%/fuzz-multipart
TESTS += %D%/fuzz-runtime-path %D%/fuzz-multipart
tests_fuzz_fuzz_runtime_path_SOURCES = %D%/fuzz-runtime-path.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_runtime_path_LDADD = libruntime.la
tests_fuzz_fuzz_multipart_SOURCES = %D%/fuzz-multipart.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_multipart_LDADD = libruntime.la
