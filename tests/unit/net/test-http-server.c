/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server of our own endpoints: its routes, what it refuses, its addresses. */
#include "config.h"

#include "net/http-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

static int respond_live(void *arg, struct buf *body)
{
	buf_append_str(body, arg);
	return 200;
}

static int respond_sick(void *arg, struct buf *body)
{
	(void)arg;
	buf_append_str(body, "sick\n");
	return 503;
}

static int respond_much(void *arg, struct buf *body)
{
	(void)arg;
	while (buf_append_str(body, "more and more of it ") == 0) {
	}
	return 200;
}

/* More than the kernel takes for a client that reads nothing. */
static int response_large(void *arg, struct buf *body)
{
	(void)arg;
	while (body->length < (4u << 20)) {
		buf_append_str(body, "sixteen letters.");
	}
	return 200;
}

static const struct http_route routes[] = {
	{ "/large", "text/plain", response_large },
	{ "/live", "text/plain", respond_live },
	{ "/sick", "text/plain", respond_sick },
	{ "/much", "text/plain", respond_much },
	{ NULL, NULL, NULL },
};

static char arg[] = "well\n";

static struct http_server *start(const char *address)
{
	struct http_server *server = NULL;
	struct error error = { 0 };

	assert_int_equal(http_server_create(address, routes, arg, &server, &error), 0);
	assert_non_null(server);
	assert_true(http_server_port(server) > 0);
	return server;
}

static int connect_to(const struct http_server *server)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons(http_server_port(server)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

/* Sends a text, returns all that comes until the connection ends. */
static char *talk(const struct http_server *server, const char *text)
{
	struct buf got = BUF_INIT(1u << 20);
	int fd = connect_to(server);
	char data[4096];
	ssize_t length;

	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	while ((length = recv(fd, data, sizeof(data), 0)) > 0) {
		buf_append(&got, data, (size_t)length);
	}
	close(fd);
	return buf_take(&got);
}

static void check(const struct http_server *server, const char *request, const char *status,
		  const char *contains)
{
	CLEANUP_FREE char *got = talk(server, request);

	if (strncmp(got, status, strlen(status)) != 0 || strstr(got, contains) == NULL) {
		fail_msg("'%s' is answered '%s'", request, got);
	}
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void routes_answer_and_all_else_is_refused(void **state)
{
	struct http_server *server = start("127.0.0.1:0");

	(void)state;
	check(server, "GET /live" CLOSE "\r\n", "HTTP/1.1 200 ", "\r\n\r\nwell\n");
	check(server, "GET /live?verbose" CLOSE "\r\n", "HTTP/1.1 200 ", "\r\n\r\nwell\n");
	check(server, "GET /sick" CLOSE "\r\n", "HTTP/1.1 503 ", "\r\n\r\nsick\n");
	check(server, "GET /much" CLOSE "\r\n", "HTTP/1.1 500 ", "too large");
	check(server, "GET /" CLOSE "\r\n", "HTTP/1.1 404 ", "");
	check(server, "GET /live/x" CLOSE "\r\n", "HTTP/1.1 404 ", "");
	check(server, "POST /live" CLOSE "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 405 ",
	      "Allow: GET, HEAD\r\n");
	check(server, "DELETE /live" CLOSE "\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
	check(server, "GET /live" CLOSE "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 413 ", "");
	check(server, "GET /live" CLOSE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	      "HTTP/1.1 413 ", "");
	check(server, "GET /live" CLOSE "Content-Length: 0\r\n\r\n", "HTTP/1.1 200 ",
	      "\r\n\r\nwell\n");
	check(server, "nonsense\r\n\r\n", "", "");
	http_server_destroy(server);
}

static void head_has_no_body(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	CLEANUP_FREE char *got = talk(server, "HEAD /live" CLOSE "\r\n");

	(void)state;
	assert_memory_equal(got, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(got, "Content-Length: 5\r\n"));
	assert_string_equal(got + strlen(got) - 4, "\r\n\r\n");
	http_server_destroy(server);
}

static void connections_are_kept(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	int fd = connect_to(server);
	CLEANUP_BUF struct buf got = BUF_INIT(1u << 20);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		static const char request[] = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
		char data[4096];

		buf_clear(&got);
		assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL),
				 sizeof(request) - 1);
		while (strstr(buf_str(&got), "well\n") == NULL) {
			ssize_t length = recv(fd, data, sizeof(data), 0);

			assert_true(length > 0);
			buf_append(&got, data, (size_t)length);
		}
	}
	close(fd);
	http_server_destroy(server);
}

static void heads_have_a_largest_size(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	int fd = connect_to(server);
	char line[1024];
	size_t sent = 0;

	(void)state;
	memset(line, 'a', sizeof(line));
	assert_true(send(fd, "GET /live HTTP/1.1\r\nX: ", 23, MSG_NOSIGNAL) == 23);
	/* Cut off long before: only the kernel's buffers, some MiB, take more than the server. */
	while (sent < (64u << 20) && send(fd, line, sizeof(line), MSG_NOSIGNAL) > 0) {
		sent += sizeof(line);
	}
	assert_true(sent < (64u << 20));
	close(fd);
	http_server_destroy(server);
}

/* Whether the server has ended this connection; waits for that when it must. */
static bool has_ended(int fd, bool wait)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK | (wait ? 0 : MSG_DONTWAIT));

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

static void send_to(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void heads_that_do_not_end_keep_no_probe_out(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	int fds[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(server);
		send_to(fds[i], "GET /live HTTP/1.1\r\nX");
	}
	check(server, "GET /live" CLOSE "\r\n", "HTTP/1.1 200 ", "well");
	/* The oldest made room for it, and no other. */
	assert_true(has_ended(fds[0], true));
	assert_false(has_ended(fds[ARRAY_LEN(fds) - 1], false));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		close(fds[i]);
	}
	http_server_destroy(server);
}

static void idle_connections_by_the_thousand_keep_no_probe_out(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	int fds[800];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(server);
	}
	check(server, "GET /live" CLOSE "\r\n", "HTTP/1.1 200 ", "well");
	assert_true(has_ended(fds[0], true));
	assert_false(has_ended(fds[ARRAY_LEN(fds) - 1], false));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		close(fds[i]);
	}
	http_server_destroy(server);
}

/* Each asks for a page of many MiB and takes none of it. */
static void readers_that_take_nothing_keep_no_probe_out(void **state)
{
	struct http_server *server = start("127.0.0.1:0");
	int fds[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		char byte;

		fds[i] = connect_to(server);
		send_to(fds[i], "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
	}
	check(server, "GET /live" CLOSE "\r\n", "HTTP/1.1 200 ", "well");
	assert_int_equal(send(fds[ARRAY_LEN(fds) - 1], "x", 1, MSG_NOSIGNAL), 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		close(fds[i]);
	}
	http_server_destroy(server);
}

static void addresses_have_several_forms(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "127.0.0.1:x",
					   "127.0.0.1:70000",
					   "::1:0",
					   "[::1:0",
					   "127.0.0.1:-1",
					   ":0x",
					   "no.such.host.invalid:0" };
	struct http_server *server = start(":0");

	(void)state;
	check(server, "GET /live" CLOSE "\r\n", "HTTP/1.1 200 ", "well");
	http_server_destroy(server);
	server = start("localhost:0");
	http_server_destroy(server);

	assert_int_equal(http_server_create("0", routes, arg, &server, NULL), 0);
	assert_null(server);
	http_server_destroy(NULL);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error error = { 0 };

		assert_true(http_server_create(bad[i], routes, arg, &server, &error) < 0);
		assert_non_null(strstr(error.text, bad[i]));
	}
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
	struct http_server *first = start("127.0.0.1:0"), *second = NULL;
	CLEANUP_FREE char *address = xprintf("127.0.0.1:%u", http_server_port(first));
	struct error error = { 0 };

	(void)state;
	assert_int_equal(http_server_create(address, routes, arg, &second, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, address));
	http_server_destroy(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_answer_and_all_else_is_refused),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(heads_that_do_not_end_keep_no_probe_out),
		cmocka_unit_test(idle_connections_by_the_thousand_keep_no_probe_out),
		cmocka_unit_test(readers_that_take_nothing_keep_no_probe_out),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(heads_have_a_largest_size),
		cmocka_unit_test(addresses_have_several_forms),
		cmocka_unit_test(a_taken_port_is_an_error_that_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
