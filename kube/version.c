/* SPDX-License-Identifier: Apache-2.0 */
/* Resource versions as numbers. Reflectors, the store and the in-memory API compare them. */
#include "config.h"

#include "kube/version.h"

uint64_t version_parse(const char *text, size_t length)
{
	uint64_t number = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return 0;
		}

		uint64_t digit = (uint64_t)(text[i] - '0');

		if (number > (UINT64_MAX - digit) / 10) {
			return 0;
		}
		number = number * 10 + digit;
	}
	return number;
}
