/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/shlex: no text may crash it, and its words add up. How to build it: fuzz.h. */
#include "config.h"

#include "runtime/exec/shlex.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "shlex";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shlex shlex;

	if (shlex_split((const char *)data, size, &shlex) == NULL) {
		size_t nuls = 0;

		for (size_t i = 0; i < shlex.size; i++) {
			nuls += shlex.words[i] == '\0' ? 1 : 0;
		}
		FUZZ_CHECK(shlex.has_nul ? nuls > shlex.count : nuls == shlex.count);
		FUZZ_CHECK(shlex.size == 0 || shlex.longest < shlex.size);
	}
	FUZZ_CHECK(shlex.size <= size + 2);
	shlex_finish(&shlex);
	return 0;
}
