/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share. Each is a file fuzz-<what>.c and a directory corpus/<what>; `make check`
 * replays the directory (replay.c). To search for new inputs, with clang, from the top directory of a
 * configured build:
 *
 *     clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I.
 * -I$SRC \ -o fuzz-yaml $SRC/tests/fuzz/fuzz-yaml.c $SRC/base/[a-z]*.c -ljson-c -lyaml -lpthread
 * -lm
 *     ./fuzz-yaml -max_total_time=300 new-inputs $SRC/tests/fuzz/corpus/yaml
 */
#ifndef ASB_TESTS_FUZZ_FUZZ_H
#define ASB_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The directory in corpus/ that belongs to the target. */
extern const char fuzz_corpus[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise; breaking it ends the run. */
#define FUZZ_CHECK(condition)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

#endif
