/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the plugin, read once at start. The host calls both functions. */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* One year. Longer periods are refused: no sum of times may overflow. */
#define SETTINGS_PERIOD_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)
#define SETTINGS_COUNT_MAX INT64_C(1000000)

/* A decimal number as thousandths, rounded down: "1.5" is 1500. Returns -1 for other text and for
 * numbers above a limit. */
static int64_t settings_thousandths(const char *text, int64_t limit)
{
	int64_t number = 0, place = 100;

	if (*text < '0' || *text > '9') {
		return -1;
	}
	for (; *text >= '0' && *text <= '9'; text++) {
		number = number * 10 + (*text - '0');
		if (number > limit) {
			return -1;
		}
	}
	number *= 1000;
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++, place /= 10) {
			number += (*text - '0') * place;
		}
	}
	return *text == '\0' ? number : -1;
}

/* Reads one option. Returns the number in thousandths, or -1 after logging what is wrong. */
static int64_t settings_read(const struct asb_host *host, struct asb_instance *instance,
			     uint32_t option, const char *name, int64_t least, int64_t most)
{
	const char *text = host->option(instance, option);
	int64_t number = settings_thousandths(text, most);

	if (number < least * 1000) {
		host->log(instance, ASB_LOG_ERROR,
			  "the option %s is '%s', not a number from %lld to %lld", name, text,
			  (long long)least, (long long)most);
		return -1;
	}
	return number;
}

/* Reads the one option that is not a number. Returns 1, 0, or -1 after logging what is wrong. */
static int settings_eviction(const struct asb_host *host, struct asb_instance *instance)
{
	const char *text = host->option(instance, OPTION_EVICTION);

	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		host->log(instance, ASB_LOG_ERROR, "the option eviction is '%s', not true or false",
			  text);
		return -1;
	}
	return strcmp(text, "true") == 0;
}

int32_t settings_init(const struct asb_host *host, struct asb_instance *instance, void **ret_state)
{
	int64_t batch = settings_read(host, instance, OPTION_MAX_BATCH_SIZE, "max-batch-size", 1,
				      SETTINGS_COUNT_MAX);
	int64_t delay = settings_read(host, instance, OPTION_REPLENISH_DELAY, "replenish-delay-ms",
				      0, SETTINGS_PERIOD_MAX_MS);
	int64_t rate = settings_read(host, instance, OPTION_MAX_REFILL_RATE, "max-refill-rate", 0,
				     SETTINGS_COUNT_MAX);
	int64_t grace = settings_read(host, instance, OPTION_READINESS_GRACE, "readiness-grace-ms",
				      0, SETTINGS_PERIOD_MAX_MS);
	int64_t recheck = settings_read(host, instance, OPTION_UNSCHEDULABLE_RECHECK,
					"unschedulable-recheck-ms", 1, SETTINGS_PERIOD_MAX_MS);
	int eviction = settings_eviction(host, instance);
	struct warmpool_settings *settings;

	if (eviction < 0 || batch < 0 || delay < 0 || rate < 0 || grace < 0 || recheck < 0) {
		return -1;
	}
	settings = calloc(1, sizeof(*settings));
	if (settings == NULL) {
		abort();
	}
	*settings = (struct warmpool_settings){
		.max_batch = (uint32_t)(batch / 1000),
		.replenish_ms = delay / 1000,
		.refill_rate = rate,
		.grace_ms = grace / 1000,
		.recheck_ms = recheck / 1000,
		.eviction = eviction == 1,
	};
	*ret_state = settings;
	return 0;
}

void settings_fini(void *state)
{
	free(state);
}
