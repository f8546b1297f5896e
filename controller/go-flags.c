/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the Go controller's flags, and the check of their values. Called by
 * controller/options.c. */
#include "config.h"

#include "controller/go-flags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/number.h"

#define DURATION_MAX_MS INT64_C(31536000000) /* a year: more is a mistake */

const struct go_flag go_flags[] = {
	/* options of plugins */
	{ "cluster-domain", "DOMAIN", "domain in status.serviceFQDN (default cluster.local)",
	  GO_TEXT, "sandbox", "cluster-domain" },
	{ "sandbox-concurrent-workers", "N", "threads of the plugin sandbox", GO_COUNT, "sandbox",
	  "workers" },
	{ "sandbox-claim-concurrent-workers", "N", "threads of the plugin claim", GO_COUNT, "claim",
	  "workers" },
	{ "sandbox-warm-pool-concurrent-workers", "N", "threads of the plugin warmpool", GO_COUNT,
	  "warmpool", "workers" },
	{ "sandbox-template-concurrent-workers", "N", "threads of the plugin template", GO_COUNT,
	  "template", "workers" },
	{ "sandbox-warm-pool-max-batch-size", "N",
	  "members that a pool creates or deletes at once (default 300)", GO_COUNT, "warmpool",
	  "max-batch-size" },
	{ "sandbox-warm-pool-replenish-delay", "DURATION",
	  "wait before a pool replaces members that were taken (default 0)", GO_DURATION,
	  "warmpool", "replenish-delay-ms" },
	{ "sandbox-warm-pool-max-refill-rate", "N",
	  "members a second that a pool creates at most (default 0: no limit)", GO_RATE, "warmpool",
	  "max-refill-rate" },
	{ "sandbox-warm-pool-readiness-grace-period", "DURATION",
	  "time after which a member that is not Ready is replaced (default 5m)",
	  GO_POSITIVE_DURATION, "warmpool", "readiness-grace-ms" },
	{ "sandbox-warm-pool-unschedulable-recheck-interval", "DURATION",
	  "time between two looks at members that cannot be scheduled (default 1m)",
	  GO_POSITIVE_DURATION, "warmpool", "unschedulable-recheck-ms" },
	{ "enable-warm-pool-eviction", NULL,
	  "let the cluster autoscaler evict pods of a pool (default true)", GO_BOOL, "warmpool",
	  "eviction" },
	{ "disable-claim-events", NULL, "send no Events about claims", GO_BOOL, "claim",
	  "disable-events" },
	{ "disable-claim-observability-annotations", NULL,
	  "do not write the times of a claim's start into its annotations", GO_BOOL, "claim",
	  "disable-observability-annotations" },

	/* our own flags under another name */
	{ "zap-encoder", "FORMAT", "json or console: --log-format", GO_LOG_FORMAT, NULL,
	  "log-format" },
	{ "zap-log-level", "LEVEL", "debug, info, error, panic or a number: --log-level",
	  GO_LOG_LEVEL, NULL, "log-level" },

	/* accepted without effect */
	{ "zap-devel", NULL, "no effect", GO_BOOL, NULL, NULL },
	{ "zap-stacktrace-level", "LEVEL", "no effect: the log has no stack traces", GO_TEXT, NULL,
	  NULL },
	{ "zap-time-encoding", "FORMAT", "no effect: times are RFC 3339", GO_TEXT, NULL, NULL },
	{ "metrics-secure-serving", NULL, "no effect: /metrics is plain HTTP", GO_BOOL, NULL,
	  NULL },
	{ "metrics-cert-dir", "DIR", "no effect: /metrics is plain HTTP", GO_TEXT, NULL, NULL },
	{ "metrics-cert-name", "NAME", "no effect: /metrics is plain HTTP", GO_TEXT, NULL, NULL },
	{ "metrics-cert-key", "NAME", "no effect: /metrics is plain HTTP", GO_TEXT, NULL, NULL },
	{ "tls-min-version", "VERSION", "no effect: nothing is served over TLS", GO_TLS_VERSION,
	  NULL, NULL },
	{ "tls-cipher-suites", "LIST", "no effect: nothing is served over TLS", GO_TEXT, NULL,
	  NULL },
	{ "enable-pprof", NULL, "no effect: there is no Go to profile", GO_BOOL, NULL, NULL },
	{ "enable-pprof-debug", NULL, "no effect: there is no Go to profile", GO_BOOL, NULL, NULL },
	{ "pprof-block-profile-rate", "N", "no effect: there is no Go to profile", GO_INTEGER, NULL,
	  NULL },
	{ "pprof-mutex-profile-fraction", "N", "no effect: there is no Go to profile", GO_INTEGER,
	  NULL, NULL },
	{ "api-connections", "N", "no effect: connections are opened as needed", GO_COUNT, NULL,
	  NULL },
	{ "separate-watch-connection", NULL, "no effect: watches have connections of their own",
	  GO_BOOL, NULL, NULL },
	{ "cache-label-selectors", NULL, "no effect: only pods of sandboxes are kept anyway",
	  GO_BOOL, NULL, NULL },
	{ "sandbox-write-behind-window", "DURATION", "no effect: no write is held back",
	  GO_DURATION, NULL, NULL },
	{ "enable-webhook", NULL, "no effect: there is no webhook", GO_BOOL, NULL, NULL },
	{ "manage-webhook-certs", NULL, "no effect: there is no webhook", GO_BOOL, NULL, NULL },
	{ "webhook-cert-dir", "DIR", "no effect: there is no webhook", GO_TEXT, NULL, NULL },
	{ "webhook-cert-name", "NAME", "no effect: there is no webhook", GO_TEXT, NULL, NULL },
	{ "webhook-key-name", "NAME", "no effect: there is no webhook", GO_TEXT, NULL, NULL },
	{ "webhook-service-name", "NAME", "no effect: there is no webhook", GO_TEXT, NULL, NULL },
	{ "webhook-namespace", "NS", "no effect: there is no webhook", GO_TEXT, NULL, NULL },
	{ NULL, NULL, NULL, 0, NULL, NULL },
};

_Static_assert(ARRAY_LEN(go_flags) <= GO_FLAGS_MAX + 1, "too many flags");

int go_flag_find(const char *name, size_t length)
{
	for (int i = 0; go_flags[i].name != NULL; i++) {
		if (strlen(go_flags[i].name) == length &&
		    strncmp(go_flags[i].name, name, length) == 0) {
			return i;
		}
	}
	return -1;
}

struct flag go_flag_row(const struct go_flag *flag)
{
	return (struct flag){
		.name = flag->name,
		.type = flag->value == GO_BOOL ? FLAG_OTHER_BOOL : FLAG_OTHER,
		.argument = flag->argument,
		.help = flag->help,
	};
}

/* A word of a list and what it becomes. */
struct go_word {
	const char *word, *becomes;
};

static const struct go_word go_tls_versions[] = {
	{ "VersionTLS10", "" }, { "VersionTLS11", "" }, { "VersionTLS12", "" },
	{ "VersionTLS13", "" }, { NULL, NULL },
};
static const struct go_word go_log_formats[] = { { "json", "json" },
						 { "console", "text" },
						 { NULL, NULL } };
static const struct go_word go_log_levels[] = {
	{ "debug", "debug" }, { "info", "info" }, { "error", "error" },
	{ "panic", "error" }, { NULL, NULL },
};

static const char *go_word_of(const struct go_word *words, const char *value)
{
	for (; words->word != NULL; words++) {
		if (strcmp(words->word, value) == 0) {
			return words->becomes;
		}
	}
	return NULL;
}

static int go_refuse(const struct go_flag *flag, const char *takes, const char *value,
		     struct error *reterr)
{
	return error_set(reterr, -EINVAL, "--%s takes %s, not '%s'", flag->name, takes, value);
}

/* One of a list of words. zap takes a number as a level, too: the larger, the more it logs. */
static int go_check_word(const struct go_flag *flag, const struct go_word *words, const char *takes,
			 const char *value, char ret[GO_FLAG_VALUE_MAX], struct error *reterr)
{
	const char *becomes = go_word_of(words, value);
	int64_t number;

	if (becomes == NULL && flag->value == GO_LOG_LEVEL &&
	    integer_parse(value, 1, INT8_MAX, &number) == 0) {
		becomes = "debug";
	}
	if (becomes == NULL) {
		return go_refuse(flag, takes, value, reterr);
	}
	snprintf(ret, GO_FLAG_VALUE_MAX, "%s", becomes);
	return 0;
}

static int go_check_duration(const struct go_flag *flag, const char *value,
			     char ret[GO_FLAG_VALUE_MAX], struct error *reterr)
{
	bool positive = flag->value == GO_POSITIVE_DURATION;
	int64_t ms;

	if (duration_parse(value, positive ? 1 : 0, DURATION_MAX_MS, &ms) < 0) {
		return go_refuse(flag,
				 positive ? "a duration of more than 0, such as 5m or 1h30m"
					  : "a duration such as 0, 500ms or 1m30s",
				 value, reterr);
	}
	snprintf(ret, GO_FLAG_VALUE_MAX, "%" PRId64, ms);
	return 0;
}

static int go_check_number(const struct go_flag *flag, const char *value,
			   char ret[GO_FLAG_VALUE_MAX], struct error *reterr)
{
	int64_t whole;
	double number;
	int code;

	if (flag->value == GO_RATE) {
		code = number_parse(value, 0, 1e6, &number);
	} else {
		code = integer_parse(value, flag->value == GO_COUNT ? 1 : INT32_MIN, INT32_MAX,
				     &whole);
	}
	if (code < 0) {
		return go_refuse(flag,
				 flag->value == GO_RATE    ? "a number from 0 to 1000000"
				 : flag->value == GO_COUNT ? "a whole number from 1 on"
							   : "a whole number",
				 value, reterr);
	}
	snprintf(ret, GO_FLAG_VALUE_MAX, "%.100s", value);
	return 0;
}

int go_flag_value(const struct go_flag *flag, const char *value, char ret[GO_FLAG_VALUE_MAX],
		  struct error *reterr)
{
	switch (flag->value) {
	case GO_DURATION:
	case GO_POSITIVE_DURATION:
		return go_check_duration(flag, value, ret, reterr);
	case GO_COUNT:
	case GO_INTEGER:
	case GO_RATE:
		return go_check_number(flag, value, ret, reterr);
	case GO_TLS_VERSION:
		return go_check_word(flag, go_tls_versions, "VersionTLS10 to VersionTLS13", value,
				     ret, reterr);
	case GO_LOG_FORMAT:
		return go_check_word(flag, go_log_formats, "json or console", value, ret, reterr);
	case GO_LOG_LEVEL:
		return go_check_word(flag, go_log_levels, "debug, info, error, panic or a number",
				     value, ret, reterr);
	default:
		break;
	}
	if (flag->option != NULL && strlen(value) >= GO_FLAG_VALUE_MAX) {
		return error_set(reterr, -EINVAL, "the value of --%s is longer than %d bytes",
				 flag->name, GO_FLAG_VALUE_MAX - 1);
	}
	snprintf(ret, GO_FLAG_VALUE_MAX, "%.*s", GO_FLAG_VALUE_MAX - 1, value);
	return 0;
}
