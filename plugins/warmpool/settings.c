/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the plugin, read once at start. The host calls both functions. */
#include "config.h"

#include "plugins/warmpool/warmpool.h"

/* Longer periods are refused: no sum of times may overflow. */
#define SETTINGS_PERIOD_MAX (INT64_C(366) * 24 * 3600 * 1000)
#define SETTINGS_BATCH_MAX 1000000
/* Members a second and pool. */
#define SETTINGS_RATE_MAX 1000000

/*
 * Reads a decimal number as thousandths, rounded down: "1.5" is 1500. *text is moved behind it.
 * Returns false if there is no number, or one above a hundred million.
 */
static bool settings_number(const char **text, int64_t *ret)
{
	int64_t whole = 0, part = 0, place = 100;
	const char *start = *text;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		whole = whole * 10 + (**text - '0');
		if (whole > 100000000) {
			return false;
		}
	}
	if (*text == start) {
		return false;
	}
	if (**text == '.') {
		for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, place /= 10) {
			part += (**text - '0') * place;
		}
	}
	*ret = whole * 1000 + part;
	return true;
}

/* A period as Go programs write it: "5m", "1h30m", "500ms", "0". */
static bool settings_period(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	int64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	do {
		int64_t number, ms = 0;
		size_t length = 0;

		if (!settings_number(&text, &number)) {
			return false;
		}
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && ms == 0; i++) {
			length = strlen(units[i].unit);
			ms = strncmp(text, units[i].unit, length) == 0 ? units[i].ms : 0;
		}
		sum += number * ms / 1000;
		if (ms == 0 || sum > SETTINGS_PERIOD_MAX) {
			return false;
		}
		text += length;
	} while (*text != '\0');
	*ret_ms = sum;
	return true;
}

static bool settings_batch(const char *text, uint32_t *ret)
{
	int64_t number;

	if (!settings_number(&text, &number) || *text != '\0' || number % 1000 != 0 ||
	    number < 1000 || number > SETTINGS_BATCH_MAX * INT64_C(1000)) {
		return false;
	}
	*ret = (uint32_t)(number / 1000);
	return true;
}

static bool settings_rate(const char *text, int64_t *ret)
{
	return settings_number(&text, ret) && *text == '\0' &&
	       *ret <= SETTINGS_RATE_MAX * INT64_C(1000);
}

static bool settings_bool(const char *text, bool *ret)
{
	*ret = strcmp(text, "true") == 0;
	return *ret || strcmp(text, "false") == 0;
}

static bool settings_check(const struct asb_host *host, struct asb_instance *instance, bool good,
			   uint32_t option, const char *wanted)
{
	if (!good) {
		host->log(instance, ASB_LOG_ERROR, "the option '%s' is not %s",
			  host->option(instance, option), wanted);
	}
	return good;
}

int32_t settings_init(const struct asb_host *host, struct asb_instance *instance, void **ret_state)
{
	struct warmpool_settings *settings = calloc(1, sizeof(*settings));
	const char *period = "a period such as 5m or 90s, of one year at most";
	struct {
		uint32_t option;
		int64_t *ms;
	} periods[] = {
		{ OPTION_REPLENISH_DELAY, NULL },
		{ OPTION_READINESS_GRACE, NULL },
		{ OPTION_UNSCHEDULABLE_RECHECK, NULL },
	};
	bool good = true;

	if (settings == NULL) {
		abort();
	}
	periods[0].ms = &settings->replenish_ms;
	periods[1].ms = &settings->grace_ms;
	periods[2].ms = &settings->recheck_ms;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		const char *text = host->option(instance, periods[i].option);

		good = settings_check(host, instance, settings_period(text, periods[i].ms),
				      periods[i].option, period) &&
		       good;
	}
	good = settings_check(host, instance,
			      settings_batch(host->option(instance, OPTION_MAX_BATCH_SIZE),
					     &settings->max_batch),
			      OPTION_MAX_BATCH_SIZE, "a number from 1 to 1000000") &&
	       good;
	good = settings_check(host, instance,
			      settings_rate(host->option(instance, OPTION_MAX_REFILL_RATE),
					    &settings->refill_rate),
			      OPTION_MAX_REFILL_RATE, "a number from 0 to 1000000") &&
	       good;
	good = settings_check(
		       host, instance,
		       settings_bool(host->option(instance, OPTION_EVICTION), &settings->eviction),
		       OPTION_EVICTION, "true or false") &&
	       good;
	if (!good) {
		free(settings);
		return -1;
	}
	*ret_state = settings;
	return 0;
}

void settings_fini(void *state)
{
	free(state);
}
