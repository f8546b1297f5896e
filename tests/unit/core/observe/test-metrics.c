/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/observe/metrics.h: the text is what Prometheus reads. */
#include "config.h"

#include "core/observe/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define DROPPED_TEXT                                                                               \
	"# HELP agent_sandbox_metric_series_dropped_total Observations that were dropped because " \
	"their family "                                                                            \
	"had too many series.\n# TYPE agent_sandbox_metric_series_dropped_total counter\n"

struct fixture {
	struct sched *sched;
	struct metrics *metrics;
	struct buf text;
};

static void set_up(struct fixture *f, struct sched *sched)
{
	f->sched = sched;
	f->metrics = metrics_create(sched);
	f->text = (struct buf)BUF_INIT(1u << 20);
}

static void tear_down(struct fixture *f)
{
	buf_finish(&f->text);
	metrics_destroy(f->metrics);
	sched_destroy(f->sched);
}

static const char *render(struct fixture *f)
{
	buf_clear(&f->text);
	assert_int_equal(metrics_render(f->metrics, &f->text), 0);
	return buf_str(&f->text);
}

static void counters_add_and_gauges_are_set(void **state)
{
	struct fixture f;
	struct metric *counter, *gauge;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	counter = metrics_family(f.metrics, "b_total", "Counts b.", METRIC_COUNTER, NULL, NULL);
	gauge = metrics_family(f.metrics, "c", "Shows c.", METRIC_GAUGE, "x,y", NULL);
	metric_record(counter, 1, NULL);
	metric_record(counter, 2.5, NULL);
	metric_record(counter, -7, NULL); /* a counter never falls */
	metric_record(gauge, 5, (const char *const[]){ "2", "b" });
	metric_record(gauge, -3, (const char *const[]){ "2", "b" });
	metric_record(gauge, 4503599627370497.0, (const char *const[]){ "1", "a" });
	metric_record(NULL, 1, NULL);
	assert_string_equal(render(&f), DROPPED_TEXT
			    "# HELP b_total Counts b.\n# TYPE b_total counter\nb_total 3.5\n"
			    "# HELP c Shows c.\n# TYPE c gauge\n"
			    "c{x=\"1\",y=\"a\"} 4503599627370497\n"
			    "c{x=\"2\",y=\"b\"} -3\n");
	tear_down(&f);
}

static void histograms_are_cumulative(void **state)
{
	static const double buckets[] = { 0.1, 1, 0 };
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric = metrics_family(f.metrics, "z_seconds", "Times.", METRIC_HISTOGRAM, "k", buckets);
	for (size_t i = 0; i < 3; i++) {
		metric_record(metric, 0.1, (const char *const[]){ "v" }); /* on the bound: in */
	}
	metric_record(metric, 0.5, (const char *const[]){ "v" });
	metric_record(metric, 70, (const char *const[]){ "v" });
	metric_record(metric, NAN, (const char *const[]){ "v" });
	assert_string_equal(strstr(render(&f), "# HELP z"),
			    "# HELP z_seconds Times.\n# TYPE z_seconds histogram\n"
			    "z_seconds_bucket{k=\"v\",le=\"0.1\"} 3\n"
			    "z_seconds_bucket{k=\"v\",le=\"1\"} 4\n"
			    "z_seconds_bucket{k=\"v\",le=\"+Inf\"} 5\n"
			    "z_seconds_sum{k=\"v\"} 70.8\n"
			    "z_seconds_count{k=\"v\"} 5\n");
	tear_down(&f);
}

static void default_buckets_go_from_a_millisecond_to_a_minute(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric_record(metrics_family(f.metrics, "z_seconds", "", METRIC_HISTOGRAM, NULL, NULL), 2,
		      NULL);
	assert_non_null(strstr(render(&f), "z_seconds_bucket{le=\"0.001\"} 0\n"));
	assert_non_null(strstr(render(&f), "z_seconds_bucket{le=\"60\"} 1\n"));
	tear_down(&f);
}

static void what_would_break_a_line_is_escaped(void **state)
{
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric = metrics_family(f.metrics, "z", "a\\b\n\"c\"", METRIC_GAUGE, "k", NULL);
	metric_record(metric, 1, (const char *const[]){ "a\"b\\c\nd" });
	metric_record(metric, 2, (const char *const[]){ "\xc3\xa9\xff" });
	metric_record(metric, INFINITY, (const char *const[]){ NULL });
	assert_string_equal(strstr(render(&f), "# HELP z"),
			    "# HELP z a\\\\b\\n\"c\"\n# TYPE z gauge\n"
			    "z{k=\"\"} +Inf\n"
			    "z{k=\"a\\\"b\\\\c\\nd\"} 1\n"
			    "z{k=\"\xc3\xa9\xef\xbf\xbd\"} 2\n");
	tear_down(&f);
}

static void series_are_bounded_and_the_rest_counted(void **state)
{
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric = metrics_family(f.metrics, "z", "", METRIC_COUNTER, "k", NULL);
	for (size_t i = 0; i < METRIC_SERIES_MAX + 5; i++) {
		char value[16];

		snprintf(value, sizeof(value), "%zu", i);
		metric_record(metric, 1, (const char *const[]){ value });
	}
	assert_non_null(strstr(render(&f), "z{k=\"1999\"} 1\n"));
	assert_null(strstr(render(&f), "z{k=\"2000\"}"));
	assert_non_null(strstr(render(&f), "agent_sandbox_metric_series_dropped_total 5\n"));
	metric_forget(metric, (const char *const[]){ "7" });
	metric_record(metric, 1, (const char *const[]){ "2000" });
	assert_null(strstr(render(&f), "z{k=\"7\"}"));
	assert_non_null(strstr(render(&f), "z{k=\"2000\"} 1\n"));
	tear_down(&f);
}

static void a_count_that_reaches_nothing_leaves_no_series(void **state)
{
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create());
	metric = metrics_family(f.metrics, "things", "", METRIC_GAUGE, "a,b,c,d,e,f,g,h", NULL);
	assert_non_null(metric);
	for (int change = 1; change >= -1; change -= 2) {
		const char *const values[] = { "1", "2", "3", "4", "5", "6", "7", "8" };

		metric_count(metric, change, values);
		metric_count(metric, change, values);
		assert_true((strstr(render(&f), "things{a=\"1\",b=\"2\"") != NULL) == (change > 0));
		assert_true((strstr(render(&f), "h=\"8\"} 2\n") != NULL) == (change > 0));
	}
	metric_count(NULL, 1, NULL);
	tear_down(&f);
}

static void a_name_is_one_family_of_one_shape(void **state)
{
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric = metrics_family(f.metrics, "z", "", METRIC_COUNTER, "k", NULL);
	assert_non_null(metric);
	assert_ptr_equal(metrics_family(f.metrics, "z", "other help", METRIC_COUNTER, "k", NULL),
			 metric);
	assert_null(metrics_family(f.metrics, "z", "", METRIC_GAUGE, "k", NULL));
	assert_null(metrics_family(f.metrics, "z", "", METRIC_COUNTER, "k,l", NULL));
	assert_null(metrics_family(f.metrics, "z", "", METRIC_COUNTER, "l", NULL));
	assert_null(metrics_family(f.metrics, "0z", "", METRIC_COUNTER, NULL, NULL));
	assert_null(metrics_family(f.metrics, "a b", "", METRIC_COUNTER, NULL, NULL));
	assert_null(metrics_family(f.metrics, "y", "", METRIC_COUNTER, "a b", NULL));
	assert_null(metrics_family(f.metrics, "y", "", METRIC_COUNTER, "a,b,c,d,e,f,g,h,i", NULL));
	tear_down(&f);
}

static void set_nine(void *arg)
{
	metric_record(arg, 9, NULL);
}

static void hooks_run_before_each_rendering(void **state)
{
	struct fixture f;
	struct metric *metric;

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	metric = metrics_family(f.metrics, "z", "", METRIC_COUNTER, NULL, NULL);
	metrics_on_render(f.metrics, set_nine, metric);
	assert_non_null(strstr(render(&f), "z 9\n"));
	assert_non_null(strstr(render(&f), "z 18\n"));
	tear_down(&f);
}

static void a_full_page_is_an_error(void **state)
{
	struct fixture f;
	struct buf small = BUF_INIT(100);

	(void)state;
	set_up(&f, sched_create_simulation(1, 0));
	assert_true(metrics_render(f.metrics, &small) < 0);
	buf_finish(&small);
	tear_down(&f);
}

static void the_process_is_shown(void **state)
{
	static const char *const names[] = { "process_cpu_seconds_total",
					     "process_open_fds",
					     "process_max_fds",
					     "process_resident_memory_bytes",
					     "process_virtual_memory_bytes",
					     "process_start_time_seconds",
					     "process_threads" };
	struct fixture f;

	(void)state;
	set_up(&f, sched_create());
	metrics_add_process(f.metrics);
	render(&f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[128];
		const char *found;
		double value = 0;

		snprintf(line, sizeof(line), "\n%s ", names[i]);
		found = strstr(render(&f), line);
		assert_non_null(found);
		assert_int_equal(sscanf(found + strlen(line), "%lf", &value), 1);
		assert_true(value > 0 && isfinite(value));
	}
	tear_down(&f);
}

static void count_to_a_thousand(void *arg)
{
	for (size_t i = 0; i < 1000; i++) {
		metric_record(arg, 1, (const char *const[]){ i % 2 == 0 ? "even" : "odd" });
	}
}

static void threads_may_count_together(void **state)
{
	struct fixture f;
	struct metric *metric;
	struct sched_thread *threads[4];

	(void)state;
	set_up(&f, sched_create());
	metric = metrics_family(f.metrics, "z", "", METRIC_COUNTER, "k", NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(f.sched, "counter", count_to_a_thousand, metric);
	}
	render(&f);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	assert_non_null(strstr(render(&f), "z{k=\"even\"} 2000\nz{k=\"odd\"} 2000\n"));
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_and_gauges_are_set),
		cmocka_unit_test(histograms_are_cumulative),
		cmocka_unit_test(default_buckets_go_from_a_millisecond_to_a_minute),
		cmocka_unit_test(what_would_break_a_line_is_escaped),
		cmocka_unit_test(series_are_bounded_and_the_rest_counted),
		cmocka_unit_test(a_count_that_reaches_nothing_leaves_no_series),
		cmocka_unit_test(a_name_is_one_family_of_one_shape),
		cmocka_unit_test(hooks_run_before_each_rendering),
		cmocka_unit_test(a_full_page_is_an_error),
		cmocka_unit_test(the_process_is_shown),
		cmocka_unit_test(threads_may_count_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
