/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines and limits of connections that libmicrohttpd does not have: its timeout counts silence
 * only, and at its limit it stops accepting. server.c, exchange.c and work.c call it.
 *
 * net/http-guard.h does the same for the other servers. This one is separate because the two have
 * different rules and threads: a body must bring so many bytes in each window, a body that is read
 * and forgotten goes first, all bodies together have a budget of memory, and a paused upload is not
 * slow. It runs in the server's thread without a lock or a thread of its own, and the runtime alone
 * is built without net/.
 */
#include "config.h"

#include "runtime/http/server-private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/memory.h"

#define CONNECTIONS_MAX 12000u
#define FILES_RESERVED 64u   /* for the server's own use */
#define FILES_FEW 20u        /* the same when the limit is very low */
#define FILES_OF_TRANSFER 3u /* of an upload: the file, its directory, the file it replaces */
#define TRANSFERS_MAX 682u   /* a third of the descriptors for work */
/* For pipes of commands and of background processes, and for files of transfers. */
#define FILES_FOR_WORK 6144u

void guard_init(struct guard *guard, size_t limit)
{
	*guard = (struct guard){ .limit = limit };
	for (size_t i = 0; i < PHASE_MAX; i++) {
		TAILQ_INIT(&guard->connections[i]);
	}
}

/* How many descriptors are left besides those for the server's own use. */
static size_t guard_files_left(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0) {
		return 512;
	}
	if (files.rlim_cur <= FILES_RESERVED * 2) {
		return files.rlim_cur > FILES_FEW * 2 ? files.rlim_cur - FILES_FEW : FILES_FEW;
	}
	return files.rlim_cur < SIZE_MAX ? files.rlim_cur - FILES_RESERVED : SIZE_MAX;
}

static size_t guard_files_for_work(void)
{
	size_t half = guard_files_left() / 2;

	return half < FILES_FOR_WORK ? half : FILES_FOR_WORK;
}

size_t guard_limit(void)
{
	size_t rest = guard_files_left() - guard_files_for_work();

	return rest < CONNECTIONS_MAX ? rest : CONNECTIONS_MAX;
}

size_t guard_transfers(void)
{
	size_t transfers = guard_files_for_work() / FILES_OF_TRANSFER;

	return transfers < TRANSFERS_MAX ? transfers : TRANSFERS_MAX;
}

/* ---- connections ---- */

/* The bytes that the kernel has received on a socket so far. */
static uint64_t guard_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
		return 0;
	}
	return info.tcpi_bytes_received;
}

struct connection *guard_add(struct guard *guard, int fd, uint64_t now)
{
	struct connection *connection = xnew(struct connection);

	*connection = (struct connection){
		.phase = PHASE_HEAD, .fd = fd, .since = now, .phase_since = now
	};
	TAILQ_INSERT_TAIL(&guard->connections[connection->phase], connection, link);
	guard->count++;
	return connection;
}

void guard_remove(struct guard *guard, struct connection *connection)
{
	guard_let_go(guard, connection);
	TAILQ_REMOVE(&guard->connections[connection->phase], connection, link);
	guard->count--;
	free(connection);
}

void guard_enter(struct guard *guard, struct connection *connection, enum phase phase, uint64_t now)
{
	TAILQ_REMOVE(&guard->connections[connection->phase], connection, link);
	connection->phase = phase;
	connection->since = connection->phase_since = now;
	connection->started = false;
	connection->ignored = connection->responding = false;
	connection->paused = false;
	connection->bytes = phase == PHASE_HEAD ? guard_received(connection->fd) : 0;
	TAILQ_INSERT_TAIL(&guard->connections[connection->phase], connection, link);
}

/* ---- deadlines ---- */

/* libmicrohttpd reads the end of the connection and closes it. */
static void guard_shut_down(struct connection *connection)
{
	connection->shut_down = true;
	(void)shutdown(connection->fd, SHUT_RDWR);
}

typedef bool guard_question(const struct connection *connection);

static bool guard_is_any(const struct connection *connection UNUSED)
{
	return true;
}

static bool guard_is_ignored(const struct connection *connection)
{
	return connection->ignored;
}

/* A body that is hardly faster than it must be; a normal upload is not slow. */
static bool guard_is_slow(const struct connection *connection)
{
	return !connection->paused && connection->bytes < 4 * BODY_WINDOW_BYTES;
}

static bool guard_is_responding(const struct connection *connection)
{
	return connection->responding;
}

/* Each list has the oldest one first. */
static struct connection *guard_find_oldest(const struct guard *guard, enum phase phase,
					    guard_question *question)
{
	struct connection *at;

	TAILQ_FOREACH (at, &guard->connections[phase], link) {
		if (!at->shut_down && question(at)) {
			break;
		}
	}
	return at;
}

static struct connection *guard_find_victim(const struct guard *guard)
{
	struct connection *ignored = guard_find_oldest(guard, PHASE_BODY, guard_is_ignored);
	struct connection *idle = guard_find_oldest(guard, PHASE_HEAD, guard_is_any);
	struct connection *slow = guard_find_oldest(guard, PHASE_BODY, guard_is_slow);

	if (ignored != NULL) {
		return ignored;
	}
	if (idle != NULL && slow != NULL) {
		return slow->phase_since < idle->phase_since ? slow : idle;
	}
	if (idle != NULL || slow != NULL) {
		return idle != NULL ? idle : slow;
	}
	slow = guard_find_oldest(guard, PHASE_BODY, guard_is_any);
	return slow != NULL ? slow : guard_find_oldest(guard, PHASE_BUSY, guard_is_responding);
}

bool guard_evict(struct guard *guard)
{
	struct connection *victim = guard_find_victim(guard);

	if (victim != NULL) {
		guard_shut_down(victim);
	}
	return victim != NULL;
}

/* ---- memory of bodies ---- */

static struct connection *guard_find_larger_body(const struct guard *guard, size_t size)
{
	struct connection *largest = NULL, *at;

	TAILQ_FOREACH (at, &guard->connections[PHASE_BODY], link) {
		if (!at->shut_down && at->held > size) {
			largest = at;
			size = at->held;
		}
	}
	return largest;
}

bool guard_hold(struct guard *guard, struct connection *connection, size_t length)
{
	size_t size = connection->held + length;
	size_t most = size > BODY_SMALL ? BODIES_MAX - BODIES_FOR_SMALL : BODIES_MAX;

	while (guard->held + length > most) {
		struct connection *victim = guard_find_larger_body(guard, size);

		if (victim == NULL) {
			return false;
		}
		guard_shut_down(victim);
		guard_let_go(guard, victim); /* it is closed in this turn of the loop or the next */
	}
	guard->held += length;
	connection->held = size;
	return true;
}

void guard_let_go(struct guard *guard, struct connection *connection)
{
	guard->held -= connection->held;
	connection->held = 0;
}

static void guard_check_head(struct connection *connection, uint64_t now)
{
	if (!connection->started && guard_received(connection->fd) > connection->bytes) {
		connection->started = true;
		connection->since = now;
	}
	if (now - connection->since > (connection->started ? HEAD_US - CHECK_US : IDLE_US)) {
		guard_shut_down(connection);
	}
}

/* libmicrohttpd misses an end that came together with the last data, since epoll reports it only
 * once. */
bool guard_has_gone(const struct connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void guard_check_body(struct connection *connection, uint64_t now)
{
	if (guard_has_gone(connection)) {
		guard_shut_down(connection);
		return;
	}
	if (connection->ignored && now - connection->phase_since > BODY_IGNORED_US) {
		guard_shut_down(connection);
		return;
	}
	if (connection->paused) {
		connection->since = now;
		connection->bytes = 0;
		return;
	}
	if (now - connection->since < BODY_WINDOW_US) {
		return;
	}
	if (connection->bytes < BODY_WINDOW_BYTES) {
		guard_shut_down(connection);
		return;
	}
	connection->since = now;
	connection->bytes = 0;
}

void guard_check_deadlines(struct guard *guard, uint64_t now)
{
	struct connection *at;

	TAILQ_FOREACH (at, &guard->connections[PHASE_HEAD], link) {
		if (!at->shut_down) {
			guard_check_head(at, now);
		}
	}
	TAILQ_FOREACH (at, &guard->connections[PHASE_BODY], link) {
		if (!at->shut_down) {
			guard_check_body(at, now);
		}
	}
}
