/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the fake host need, and the calls into the plugin. Called by all other
 * files. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

void fake_fatal(const char *format, ...)
{
	va_list args;

	fputs("fake host: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* SplitMix64. */
uint64_t fake_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

bool fake_has_status(const struct asb_kind *kind)
{
	static const char *const without[] = { "ConfigMap",    "Secret",    "ServiceAccount",
					       "Event",        "Lease",     "NetworkPolicy",
					       "RuntimeClass", "Endpoints", "EndpointSlice" };

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		if (strcmp(kind->kind, without[i]) == 0) {
			return false;
		}
	}
	return true;
}

struct fake_call *call_of(struct asb_call *call)
{
	return CONTAINER_OF(call, struct fake_call, call);
}

void call_init(struct fake_call *call, struct asb_fake *fake, struct fake_key *key)
{
	*call = (struct fake_call){
		.call = { .host = fake->host, .instance = &fake->instance },
		.fake = fake,
		.key = key,
	};
}

const struct asb_watch *call_watch(const struct fake_call *call, uint32_t watch)
{
	if (watch >= call->fake->watch_count) {
		fake_fatal("there is no watch %u in the plugin's table", watch);
	}
	return &call->fake->plugin->watches[watch];
}
