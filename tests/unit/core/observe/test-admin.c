/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/observe/admin.h, over real sockets on ports the system picks. */
#include "config.h"

#include "core/observe/admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct sched *sched;
	struct metrics *metrics;
	struct admin *admin;
	/* The servers' threads read them. */
	_Atomic bool ready, healthy;
	char page[65536];
};

static bool ready(void *arg, struct buf *text)
{
	struct fixture *f = arg;

	buf_append_str(text, f->ready ? "parked: example\n" : "not synced: pods\n");
	return f->ready;
}

static bool healthy(void *arg, struct buf *text)
{
	struct fixture *f = arg;

	if (!f->healthy) {
		buf_append_str(text, "worker 'claim-3' is stuck\n");
	}
	return f->healthy;
}

static void set_up(struct fixture *f)
{
	struct error error = { 0 };

	*f = (struct fixture){ .sched = sched_create(), .healthy = true };
	f->metrics = metrics_create(f->sched);
	f->admin = admin_create(
		&(struct admin_config){
			.metrics = f->metrics,
			.probe_address = "127.0.0.1:0",
			.metrics_address = "127.0.0.1:0",
			.ready = ready,
			.healthy = healthy,
			.arg = f,
		},
		&error);
	assert_non_null(f->admin);
}

static void tear_down(struct fixture *f)
{
	admin_destroy(f->admin);
	metrics_destroy(f->metrics);
	sched_destroy(f->sched);
}

/* GETs a path: the status, the whole answer in f->page. */
static int get(struct fixture *f, uint16_t port, const char *path)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	char request[256];
	size_t length = 0;
	ssize_t got;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	while ((got = read(fd, f->page + length, sizeof(f->page) - 1 - length)) > 0) {
		length += (size_t)got;
	}
	close(fd);
	f->page[length] = '\0';
	assert_int_equal(sscanf(f->page, "HTTP/%*s %d", &status), 1);
	return status;
}

static const char *body(struct fixture *f)
{
	const char *end = strstr(f->page, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static void readyz_says_what_is_missing_until_ready(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/readyz"), 503);
	assert_string_equal(body(&f), "not ok\nnot synced: pods\n");
	f.ready = true;
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/readyz"), 200);
	assert_string_equal(body(&f), "ok\nparked: example\n");
	tear_down(&f);
}

static void healthz_says_what_is_stuck(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/healthz"), 200);
	assert_string_equal(body(&f), "ok\n");
	f.healthy = false;
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/healthz"), 503);
	assert_string_equal(body(&f), "not ok\nworker 'claim-3' is stuck\n");
	tear_down(&f);
}

static void metrics_are_on_their_own_address_only(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	metric_record(metrics_family(f.metrics, "z", "", METRIC_COUNTER, NULL, NULL), 7, NULL);
	assert_int_equal(get(&f, admin_metrics_port(f.admin), "/metrics"), 200);
	assert_non_null(strstr(body(&f), "\nz 7\n"));
	assert_non_null(strstr(f.page, "text/plain; version=0.0.4"));
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/metrics"), 404);
	assert_int_equal(get(&f, admin_metrics_port(f.admin), "/readyz"), 404);
	tear_down(&f);
}

static void address_0_is_no_server(void **state)
{
	struct admin_config config = { .probe_address = "0", .metrics_address = "0" };
	struct admin *admin = admin_create(&config, NULL);

	(void)state;
	assert_non_null(admin);
	assert_int_equal(admin_probe_port(admin), 0);
	assert_int_equal(admin_metrics_port(admin), 0);
	admin_destroy(admin);
}

static void without_callbacks_all_is_well(void **state)
{
	struct fixture f;
	struct admin_config config = { .probe_address = "127.0.0.1:0", .metrics_address = "0" };

	(void)state;
	f.admin = admin_create(&config, NULL);
	assert_non_null(f.admin);
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/readyz"), 200);
	assert_int_equal(get(&f, admin_probe_port(f.admin), "/healthz"), 200);
	admin_destroy(f.admin);
}

static void an_address_in_use_is_an_error_that_says_whose(void **state)
{
	struct fixture f;
	struct error error = { 0 };
	char address[32];
	struct admin_config config = { .probe_address = "0", .metrics_address = address };

	(void)state;
	set_up(&f);
	snprintf(address, sizeof(address), "127.0.0.1:%u", admin_probe_port(f.admin));
	assert_null(admin_create(&config, &error));
	assert_memory_equal(error.text, "metrics: ", 9);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readyz_says_what_is_missing_until_ready),
		cmocka_unit_test(healthz_says_what_is_stuck),
		cmocka_unit_test(metrics_are_on_their_own_address_only),
		cmocka_unit_test(address_0_is_no_server),
		cmocka_unit_test(without_callbacks_all_is_well),
		cmocka_unit_test(an_address_in_use_is_an_error_that_says_whose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
