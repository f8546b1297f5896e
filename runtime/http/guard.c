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

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#define CONNECTIONS_MAX 12000u
#define FILES_RESERVED 64u   /* for the server's own use */
#define FILES_FEW 20u        /* the same when the limit is very low */
#define FILES_OF_TRANSFER 3u /* of an upload: the file, its directory, the file it replaces */
#define TRANSFERS_MAX 682u   /* a third of the descriptors for work */
/* For pipes of commands and of background processes, and for files of transfers. */
#define FILES_FOR_WORK 6144u
#define EVENTS 128
#define PAGE 4096u
/* What is free again after connections were shut down for their blocks. */
#define BLOCKS_FREED (BLOCKS_MAX / 8)

int guard_init(struct guard *guard, size_t limit)
{
	*guard = (struct guard){ .limit = limit, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	for (size_t i = 0; i < PHASE_MAX; i++) {
		TAILQ_INIT(&guard->connections[i]);
	}
	TAILQ_INIT(&guard->holders);
	return guard->epoll >= 0 ? 0 : -errno;
}

void guard_finish(struct guard *guard)
{
	if (guard->epoll >= 0) {
		close(guard->epoll);
	}
	guard->epoll = -1;
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

/* Whether it belongs to a command or to a transfer, of which there is a limited number. */
static bool guard_is_limited(const struct connection *connection)
{
	return connection->request != NULL && connection->request->data != NULL;
}

struct connection *guard_add(struct guard *guard, int fd, uint64_t now)
{
	struct connection *connection = xnew(struct connection);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data = { .ptr = connection } };

	*connection = (struct connection){
		.phase = PHASE_HEAD, .fd = fd, .since = now, .phase_since = now
	};
	TAILQ_INSERT_TAIL(&guard->connections[connection->phase], connection, link);
	guard->count++;
	if (epoll_ctl(guard->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		guard_count_block(guard, connection, CONNECTION_MEMORY); /* the most it can be */
	}
	return connection;
}

void guard_remove(struct guard *guard, struct connection *connection)
{
	/* Explicitly: a child that has not closed its copies yet keeps the socket open. */
	(void)epoll_ctl(guard->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	guard_let_go(guard, connection);
	guard_count_block(guard, connection, 0);
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
	connection->served = connection->served || phase == PHASE_HEAD;
	TAILQ_INSERT_TAIL(&guard->connections[connection->phase], connection, link);
	if (phase == PHASE_BUSY || guard_is_limited(connection)) {
		guard_count_block(guard, connection, 0);
	} else if (phase == PHASE_HEAD) {
		guard_count_block(guard, connection, CONNECTION_MEMORY);
	}
}

void guard_respond(struct guard *guard, struct connection *connection)
{
	connection->responding = true;
	if (!guard_is_limited(connection)) {
		guard_count_block(guard, connection, CONNECTION_MEMORY);
	}
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

/* ---- memory of blocks ---- */

void guard_count_block(struct guard *guard, struct connection *connection, size_t size)
{
	if (connection->block > 0) {
		TAILQ_REMOVE(&guard->holders, connection, block_link);
		guard->holder_count--;
	}
	guard->blocks += size - connection->block;
	connection->block = size;
	if (size > 0) {
		TAILQ_INSERT_TAIL(&guard->holders, connection, block_link);
		guard->holder_count++;
	}
}

/* The connection keeps its place among the holders: it is as old as its first bytes. */
static void guard_grow_block(struct guard *guard, struct connection *connection, size_t size)
{
	if (connection->block == 0) {
		guard_count_block(guard, connection, size);
		return;
	}
	guard->blocks += size - connection->block;
	connection->block = size;
}

/* The first bytes of a block hold what was received, the last ones the list of headers. */
static void guard_measure_block(struct guard *guard, struct connection *connection)
{
	uint64_t received;

	if (connection->served || connection->shut_down || connection->phase == PHASE_BUSY ||
	    guard_is_limited(connection)) {
		return; /* it is counted as a whole, or not counted */
	}
	received = guard_received(connection->fd);
	if (received > 0) {
		size_t size = received < CONNECTION_MEMORY
				      ? ((size_t)received + 2 * PAGE - 1) / PAGE * PAGE
				      : CONNECTION_MEMORY;

		if (size > connection->block) {
			guard_grow_block(guard, connection, size);
		}
	}
}

/* Shuts down the oldest connections whose blocks are not smaller than the others on average. */
static void guard_cut_blocks(struct guard *guard)
{
	size_t mean = guard->blocks / guard->holder_count;
	struct connection *at, *next;

	for (at = TAILQ_FIRST(&guard->holders);
	     at != NULL && guard->blocks > BLOCKS_MAX - BLOCKS_FREED; at = next) {
		next = TAILQ_NEXT(at, block_link);
		if (at->block >= mean) {
			/* What it has sent and libmicrohttpd has not read must not be read any
			 * more: the other end of a socket that is shut down comes after it. */
			(void)recv(at->fd, NULL, BLOCKS_MAX, MSG_TRUNC | MSG_DONTWAIT);
			guard_shut_down(at);
			guard_count_block(guard, at, 0);
		}
	}
}

void guard_check_blocks(struct guard *guard)
{
	struct epoll_event events[EVENTS];
	int count;

	do {
		count = epoll_wait(guard->epoll, events, EVENTS, 0);
		for (int i = 0; i < count; i++) {
			guard_measure_block(guard, events[i].data.ptr);
		}
	} while (count == EVENTS);
	while (guard->blocks > BLOCKS_MAX) {
		guard_cut_blocks(guard);
	}
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

/* A socket in this state was reset: by a client that was closed with data unread, or by the machine
 * of one that was closed when it got a keep-alive. */
static bool guard_is_reset(const struct connection *connection)
{
	struct pollfd wait = { .fd = connection->fd };

	return poll(&wait, 1, 0) > 0 && (wait.revents & (POLLERR | POLLHUP)) != 0;
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
	TAILQ_FOREACH (at, &guard->connections[PHASE_BUSY], link) {
		if (!at->shut_down && guard_is_reset(at)) {
			guard_shut_down(at);
		}
	}
}
