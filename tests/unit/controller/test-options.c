/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of controller/options.h: every flag in every spelling, and what is not understood. */
#include "config.h"

#include "controller/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

/* Writable words for an argv: the array ends in NULL, the first word is the program. */
#define ARGS(...) ((char *[]){ (char[]){ "program" }, __VA_ARGS__, NULL })
#define W(text) ((char[]){ text })

static int parse(char **args, struct options *ret, struct error *error)
{
	int count = 0;

	while (args[count] != NULL) {
		count++;
	}
	return options_parse(count, args, ret, error);
}

static void expect_good(char **args, struct options *ret)
{
	struct error error = { 0 };

	if (parse(args, ret, &error) != 0) {
		fail_msg("%s", error.text);
	}
}

/* Not understood, and the message has these words. */
static void expect_bad(char **args, const char *words)
{
	struct options options = { .kubeconfig = "untouched" };
	struct error error = { 0 };

	assert_int_equal(parse(args, &options, &error), -EINVAL);
	if (strstr(error.text, words) == NULL) {
		fail_msg("no '%s' in: %s", words, error.text);
	}
	assert_string_equal(options.kubeconfig, "untouched");
}

static void nothing_given_is_the_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(options_parse(1, ARGS(NULL), &options, NULL), 0);
	assert_false(options.extensions || options.enable_tracing || options.version ||
		     options.help);
	assert_true(options.leader_elect);
	assert_null(options.kubeconfig);
	assert_null(options.leader_election_namespace);
	assert_null(options.pod_label_selector);
	assert_null(options.dump_plugin);
	assert_string_equal(options.metrics_address, ":8080");
	assert_string_equal(options.health_address, ":8081");
	assert_string_equal(options.plugin_dir, PLUGIN_DIR);
	assert_string_equal(options_log_format(&options), "text");
	assert_string_equal(options_log_level(&options), "info");
	assert_true(options.kube_api_qps == -1);
	assert_int_equal(options.kube_api_burst, 10);
	assert_int_equal(options.plugin_count + options.setting_count, 0);
}

/* ---- each flag ---- */

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "kubeconfig", offsetof(struct options, kubeconfig) },
	{ "leader-election-namespace", offsetof(struct options, leader_election_namespace) },
	{ "metrics-bind-address", offsetof(struct options, metrics_address) },
	{ "health-probe-bind-address", offsetof(struct options, health_address) },
	{ "pod-label-selector", offsetof(struct options, pod_label_selector) },
	{ "plugin-dir", offsetof(struct options, plugin_dir) },
	{ "dump-plugin", offsetof(struct options, dump_plugin) },
	{ "log-format", offsetof(struct options, log_format) },
	{ "log-level", offsetof(struct options, log_level) },
};

static const char *text_at(const struct options *options, size_t offset)
{
	return *(const char *const *)(const void *)((const char *)options + offset);
}

static void every_text_takes_its_value_after_an_equals_sign_or_a_space(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (int dashes = 1; dashes <= 2; dashes++) {
			CLEANUP_FREE char *flag =
				xprintf("%s%s", dashes == 2 ? "--" : "-", texts[i].name);
			CLEANUP_FREE char *whole = xprintf("%s=a=b,c", flag),
					  *empty = xprintf("%s=", flag);
			struct options options;

			expect_good(ARGS(whole), &options);
			assert_string_equal(text_at(&options, texts[i].offset), "a=b,c");
			expect_good(ARGS(flag, W("--value")), &options);
			assert_string_equal(text_at(&options, texts[i].offset), "--value");
			expect_good(ARGS(empty), &options);
			assert_string_equal(text_at(&options, texts[i].offset), "");
			expect_bad(ARGS(flag), flag);
		}
	}
}

static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	{ "extensions", offsetof(struct options, extensions) },
	{ "leader-elect", offsetof(struct options, leader_elect) },
	{ "enable-tracing", offsetof(struct options, enable_tracing) },
	{ "check-cluster", offsetof(struct options, check_cluster) },
	{ "version", offsetof(struct options, version) },
	{ "help", offsetof(struct options, help) },
};

static bool switch_at(const struct options *options, size_t offset)
{
	return *(const bool *)(const void *)((const char *)options + offset);
}

static void every_switch_is_on_alone_or_with_a_word_for_it(void **state)
{
	static const char *const on[] = { "-%s", "--%s", "-%s=true", "--%s=true", "--%s=1" };
	static const char *const off[] = { "-%s=false", "--%s=false", "--%s=0" };
	static const char *const bad[] = { "=", "=yes", "=2", "=TRUE ", "=truex" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		struct options options;

		for (size_t k = 0; k < ARRAY_LEN(on); k++) {
			snprintf(text, sizeof(text), "%.*s%s%s", (int)strcspn(on[k], "%"), on[k],
				 switches[i].name, strchr(on[k], 's') + 1);
			expect_good(ARGS(text), &options);
			assert_true(switch_at(&options, switches[i].offset));
		}
		for (size_t k = 0; k < ARRAY_LEN(off); k++) {
			CLEANUP_FREE char *set = xprintf("--%s", switches[i].name);

			snprintf(text, sizeof(text), "%.*s%s%s", (int)strcspn(off[k], "%"), off[k],
				 switches[i].name, strchr(off[k], 's') + 1);
			expect_good(ARGS(set, text), &options);
			assert_false(switch_at(&options, switches[i].offset));
		}
		for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
			snprintf(text, sizeof(text), "--%s%s", switches[i].name, bad[k]);
			expect_bad(ARGS(text), switches[i].name);
		}
	}
}

static void a_switch_takes_no_word_of_its_own(void **state)
{
	(void)state;
	expect_bad(ARGS(W("--extensions"), W("true")), "'true'");
}

static void numbers_are_checked(void **state)
{
	struct options options;

	(void)state;
	expect_good(ARGS(W("--kube-api-qps=20.5"), W("-kube-api-burst"), W("40")), &options);
	assert_true(options.kube_api_qps == 20.5);
	assert_int_equal(options.kube_api_burst, 40);
	expect_good(ARGS(W("--kube-api-qps"), W("-1")), &options);
	assert_true(options.kube_api_qps == -1);
	expect_good(ARGS(W("--kube-api-qps=0")), &options);
	assert_true(options.kube_api_qps == 0);
	expect_bad(ARGS(W("--kube-api-qps=-2")), "'-2'");
	expect_bad(ARGS(W("--kube-api-qps=fast")), "--kube-api-qps");
	expect_bad(ARGS(W("--kube-api-qps=nan")), "'nan'");
	expect_bad(ARGS(W("--kube-api-qps=")), "''");
	expect_bad(ARGS(W("--kube-api-burst=0")), "'0'");
	expect_bad(ARGS(W("--kube-api-burst=1.5")), "'1.5'");
	expect_bad(ARGS(W("--kube-api-burst=2147483648")), "--kube-api-burst");
	expect_bad(ARGS(W("--kube-api-burst")), "needs a value");
}

static void plugins_may_be_named_again_and_again(void **state)
{
	char *args[OPTIONS_PLUGINS_MAX + 3] = { W("program") };
	struct options options;
	char plugin[] = "--plugin=x.so";

	(void)state;
	expect_good(ARGS(W("--plugin=a.so"), W("-plugin"), W("b.so")), &options);
	assert_int_equal(options.plugin_count, 2);
	assert_string_equal(options.plugins[0], "a.so");
	assert_string_equal(options.plugins[1], "b.so");
	for (size_t i = 1; i <= OPTIONS_PLUGINS_MAX; i++) {
		args[i] = plugin;
	}
	expect_good(args, &options);
	assert_int_equal(options.plugin_count, OPTIONS_PLUGINS_MAX);
	args[OPTIONS_PLUGINS_MAX + 1] = plugin;
	expect_bad(args, "32 times");
}

static void the_later_of_two_counts(void **state)
{
	struct options options;

	(void)state;
	expect_good(ARGS(W("--log-level=debug"), W("--log-level=error")), &options);
	assert_string_equal(options.log_level, "error");
}

static void what_is_no_flag_is_refused(void **state)
{
	(void)state;
	expect_bad(ARGS(W("word")), "'word'");
	expect_bad(ARGS(W("")), "''");
	expect_bad(ARGS(W("-")), "'-'");
	expect_bad(ARGS(W("--")), "'--'");
	expect_bad(ARGS(W("--=x")), "'--=x'");
	expect_bad(ARGS(W("--nothing")), "'--nothing'");
	expect_bad(ARGS(W("--nothing=x")), "'--nothing=x'");
	expect_bad(ARGS(W("---help")), "'---help'");
	expect_bad(ARGS(W("--extension")), "'--extension'");
	expect_bad(ARGS(W("--extensionss")), "'--extensionss'");
	expect_bad(ARGS(W("--kubeconfig"), W("a"), W("b")), "'b'");
	expect_bad(ARGS(W("--nothing")), "--help");
}

/* ---- options of plugins ---- */

static struct asb_option plugin_options[] = {
	{ .name = "colour", .fallback = "red", .help = "what it looks like" }, { .name = "col" }
};
static const struct plugin plugin = {
	.head = { .name = "widget" },
	.options = plugin_options,
	.option_count = 2,
};

static void settings_go_to_their_plugin(void **state)
{
	CLEANUP_FREE const char **values = NULL;
	struct options options;
	struct error error = { 0 };
	uint32_t workers = 99;

	(void)state;
	expect_good(ARGS(W("--widget.colour=blue=green"), W("-widget.workers"), W("7"),
			 W("--other.x=1")),
		    &options);
	assert_int_equal(options_for_plugin(&options, &plugin, &values, &workers, &error), 0);
	assert_string_equal(values[0], "blue=green");
	assert_null(values[1]);
	assert_int_equal(workers, 7);
	assert_int_equal(options_check_used(&options, &error), -EINVAL);
	assert_string_equal(error.text, "--other.x: no plugin 'other' is loaded");
}

static void a_plugin_without_settings_has_its_fallbacks(void **state)
{
	CLEANUP_FREE const char **values = NULL;
	struct options options;
	struct error error = { 0 };
	uint32_t workers = 99;

	(void)state;
	expect_good(ARGS(W("--extensions")), &options);
	assert_int_equal(options_for_plugin(&options, &plugin, &values, &workers, &error), 0);
	assert_null(values[0]);
	assert_null(values[1]);
	assert_int_equal(workers, 0);
	assert_int_equal(options_check_used(&options, &error), 0);
}

static void a_setting_names_its_option_whole(void **state)
{
	CLEANUP_FREE const char **values = NULL;
	struct options options;
	uint32_t workers;

	(void)state;
	expect_good(
		ARGS(W("--widget.col"), W("1"), W("--widget.colour"), W("2"), W("--widget.col=3")),
		&options);
	assert_int_equal(options_for_plugin(&options, &plugin, &values, &workers, NULL), 0);
	assert_string_equal(values[0], "2");
	assert_string_equal(values[1], "3");
}

static void expect_bad_setting(char *text, const char *words)
{
	const char **values = NULL;
	struct options options;
	struct error error = { 0 };
	uint32_t workers = 0;

	expect_good(ARGS(text), &options);
	assert_int_equal(options_for_plugin(&options, &plugin, &values, &workers, &error), -EINVAL);
	assert_null(values);
	if (strstr(error.text, words) == NULL || strstr(error.text, "'widget'") == NULL) {
		fail_msg("no '%s' in: %s", words, error.text);
	}
}

static void settings_a_plugin_does_not_have_are_refused(void **state)
{
	(void)state;
	expect_bad_setting(W("--widget.size=1"), "'size'");
	expect_bad_setting(W("--widget.colou=1"), "'colou'");
	expect_bad_setting(W("--widget.colours=1"), "'colours'");
	expect_bad_setting(W("--widget.=1"), "''");
	expect_bad_setting(W("--widget.workers=0"), "'0'");
	expect_bad_setting(W("--widget.workers=1025"), "'1025'");
	expect_bad_setting(W("--widget.workers=many"), "'many'");
	expect_bad_setting(W("--widget.workers="), "''");
}

static void a_setting_needs_a_value_and_a_plausible_plugin(void **state)
{
	char *args[OPTIONS_SETTINGS_MAX + 3] = { W("program") };
	struct options options;
	char setting[] = "--widget.colour=red";

	(void)state;
	expect_bad(ARGS(W("--widget.colour")), "needs a value");
	expect_bad(ARGS(W("--a-name-of-more-than-forty-seven-characters-is-none.x=1")), "too long");
	for (size_t i = 1; i <= OPTIONS_SETTINGS_MAX; i++) {
		args[i] = setting;
	}
	expect_good(args, &options);
	args[OPTIONS_SETTINGS_MAX + 1] = setting;
	expect_bad(args, "too many");
}

/* ---- flags of the Go controller ---- */

static void flags_of_the_go_controller_set_options_of_plugins(void **state)
{
	static const struct {
		const char *flag, *given, *plugin, *option, *value;
	} cases[] = {
		{ "cluster-domain", "a.b", "sandbox", "cluster-domain", "a.b" },
		{ "sandbox-concurrent-workers", "5", "sandbox", "workers", "5" },
		{ "sandbox-claim-concurrent-workers", "5", "claim", "workers", "5" },
		{ "sandbox-warm-pool-concurrent-workers", "5", "warmpool", "workers", "5" },
		{ "sandbox-template-concurrent-workers", "5", "template", "workers", "5" },
		{ "sandbox-warm-pool-max-batch-size", "300", "warmpool", "max-batch-size", "300" },
		{ "sandbox-warm-pool-replenish-delay", "1.5s", "warmpool", "replenish-delay-ms",
		  "1500" },
		{ "sandbox-warm-pool-max-refill-rate", "0.5", "warmpool", "max-refill-rate",
		  "0.5" },
		{ "sandbox-warm-pool-readiness-grace-period", "5m", "warmpool",
		  "readiness-grace-ms", "300000" },
		{ "sandbox-warm-pool-unschedulable-recheck-interval", "1m", "warmpool",
		  "unschedulable-recheck-ms", "60000" },
		{ "enable-warm-pool-eviction", "false", "warmpool", "eviction", "false" },
		{ "disable-claim-events", "1", "claim", "disable-events", "true" },
		{ "disable-claim-observability-annotations", "true", "claim",
		  "disable-observability-annotations", "true" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *one = xprintf("-%s=%s", cases[i].flag, cases[i].given);
		struct options options;

		expect_good(ARGS(one), &options);
		assert_int_equal(options.setting_count, 1);
		assert_string_equal(options.settings[0].plugin, cases[i].plugin);
		assert_string_equal(options.settings[0].name, cases[i].option);
		assert_null(options.settings[0].value);
		assert_string_equal(options.settings[0].text, cases[i].value);
		/* Manifests give them all, whatever is loaded. */
		assert_int_equal(options_check_used(&options, NULL), 0);
	}
	expect_bad(ARGS(W("--sandbox-concurrent-workers")), "needs a value");
}

static void expect_idle(const struct options *options, const char *flags)
{
	struct buf text = BUF_INIT(4096);

	assert_int_equal(options_idle_flags(options, &text), *flags != '\0');
	assert_string_equal(buf_str(&text), flags);
	buf_finish(&text);
}

static void flags_without_effect_are_listed_once(void **state)
{
	struct options options;

	(void)state;
	expect_good(ARGS(W("--extensions")), &options);
	expect_idle(&options, "");
	expect_good(ARGS(W("--metrics-secure-serving"), W("--metrics-cert-dir"), W("/certs"),
			 W("--tls-min-version=VersionTLS12"), W("--tls-cipher-suites=a,b"),
			 W("--enable-pprof"), W("--enable-pprof=false"), W("--api-connections=4"),
			 W("--cache-label-selectors"), W("--sandbox-write-behind-window=250ms"),
			 W("--zap-devel"), W("--zap-time-encoding=iso8601")),
		    &options);
	assert_int_equal(options.setting_count, 0);
	expect_idle(&options,
		    "--zap-devel, --zap-time-encoding, --metrics-secure-serving, "
		    "--metrics-cert-dir, --tls-min-version, --tls-cipher-suites, --enable-pprof, "
		    "--api-connections, --cache-label-selectors, --sandbox-write-behind-window");
}

static void a_flag_whose_option_the_plugin_lacks_has_no_effect(void **state)
{
	static const struct plugin warmpool = { .head = { .name = "warmpool" } };
	CLEANUP_FREE const char **values = NULL;
	struct options options;
	struct error error = { 0 };
	uint32_t workers = 0;

	(void)state;
	expect_good(ARGS(W("--sandbox-warm-pool-max-batch-size=7"),
			 W("--sandbox-warm-pool-concurrent-workers=3")),
		    &options);
	assert_int_equal(options_for_plugin(&options, &warmpool, &values, &workers, &error), 0);
	assert_int_equal(workers, 3);
	expect_idle(&options, "--sandbox-warm-pool-max-batch-size");
}

static void the_flags_of_zap_set_the_log(void **state)
{
	struct options options;

	(void)state;
	expect_good(ARGS(W("--zap-encoder=console"), W("--zap-log-level=panic")), &options);
	assert_string_equal(options_log_format(&options), "text");
	assert_string_equal(options_log_level(&options), "error");
	expect_good(ARGS(W("--zap-encoder=json"), W("--zap-log-level=2")), &options);
	assert_string_equal(options_log_format(&options), "json");
	assert_string_equal(options_log_level(&options), "debug");
	expect_good(ARGS(W("--log-level=warning"), W("--zap-log-level=debug")), &options);
	assert_string_equal(options_log_level(&options), "warning");
}

static void bad_values_of_them_are_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "--sandbox-concurrent-workers=0", "a whole number from 1 on, not '0'" },
		{ "--sandbox-warm-pool-max-batch-size=many", "not 'many'" },
		{ "--sandbox-warm-pool-replenish-delay=5", "--sandbox-warm-pool-replenish-delay" },
		{ "--sandbox-warm-pool-replenish-delay=-1s", "not '-1s'" },
		{ "--sandbox-warm-pool-max-refill-rate=-1", "not '-1'" },
		{ "--sandbox-warm-pool-max-refill-rate=NaN", "not 'NaN'" },
		{ "--sandbox-warm-pool-readiness-grace-period=0", "more than 0" },
		{ "--sandbox-warm-pool-unschedulable-recheck-interval=", "more than 0" },
		{ "--enable-warm-pool-eviction=maybe", "true or false" },
		{ "--disable-claim-events=2", "true or false" },
		{ "--tls-min-version=TLS1.2", "VersionTLS10 to VersionTLS13" },
		{ "--api-connections=0", "not '0'" },
		{ "--sandbox-write-behind-window=soon", "a duration such as" },
		{ "--zap-log-level=loud", "not 'loud'" },
		{ "--zap-encoder=xml", "json or console" },
		{ "--pprof-block-profile-rate=x", "a whole number" },
	};
	char long_text[300] = "--cluster-domain=";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *text = xstrdup(cases[i].text);

		expect_bad(ARGS(text), cases[i].words);
	}
	memset(long_text + strlen(long_text), 'x', 200);
	expect_bad(ARGS(long_text), "longer than 127 bytes");
}

/* ---- help ---- */

static void help_names_every_flag(void **state)
{
	static const char *const others[] = {
		"cluster-domain DOMAIN",
		"kube-api-qps N",
		"kube-api-burst N",
		"plugin FILE",
		"sandbox-concurrent-workers N",
		"sandbox-claim-concurrent-workers N",
		"sandbox-warm-pool-concurrent-workers N",
		"sandbox-template-concurrent-workers N",
		"sandbox-warm-pool-replenish-delay DURATION",
		"metrics-secure-serving",
		"zap-encoder FORMAT",
	};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	options_help(out);
	options_plugin_help(&plugin, out);
	fclose(out);
	for (size_t i = 0; i < ARRAY_LEN(texts) + ARRAY_LEN(switches) + ARRAY_LEN(others); i++) {
		size_t k = i - ARRAY_LEN(texts), m = k - ARRAY_LEN(switches);
		const char *name = i < ARRAY_LEN(texts)      ? texts[i].name
				   : k < ARRAY_LEN(switches) ? switches[k].name
							     : others[m];
		CLEANUP_FREE char *flag = xprintf("\n  --%s ", name);

		if (strstr(text, flag) == NULL) {
			fail_msg("no%s in:\n%s", flag, text);
		}
	}
	assert_non_null(strstr(text, "\n  --widget.colour "));
	assert_non_null(strstr(text, "what it looks like (default red)\n"));
	assert_non_null(strstr(text, "(default none)\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_is_the_defaults),
		cmocka_unit_test(every_text_takes_its_value_after_an_equals_sign_or_a_space),
		cmocka_unit_test(every_switch_is_on_alone_or_with_a_word_for_it),
		cmocka_unit_test(a_switch_takes_no_word_of_its_own),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(plugins_may_be_named_again_and_again),
		cmocka_unit_test(the_later_of_two_counts),
		cmocka_unit_test(what_is_no_flag_is_refused),
		cmocka_unit_test(settings_go_to_their_plugin),
		cmocka_unit_test(a_plugin_without_settings_has_its_fallbacks),
		cmocka_unit_test(a_setting_names_its_option_whole),
		cmocka_unit_test(settings_a_plugin_does_not_have_are_refused),
		cmocka_unit_test(a_setting_needs_a_value_and_a_plausible_plugin),
		cmocka_unit_test(flags_of_the_go_controller_set_options_of_plugins),
		cmocka_unit_test(flags_without_effect_are_listed_once),
		cmocka_unit_test(a_flag_whose_option_the_plugin_lacks_has_no_effect),
		cmocka_unit_test(the_flags_of_zap_set_the_log),
		cmocka_unit_test(bad_values_of_them_are_refused),
		cmocka_unit_test(help_names_every_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
