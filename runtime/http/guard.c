/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and limits of connections that libmicrohttpd does not have: its timeout is of silence
 * alone, and at its limit it stops accepting. Called by server.c and request.c. */
#include "config.h"

#include "runtime/http/server-private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/memory.h"

#define CONNECTIONS_MAX 12000u
#define FILES_RESERVED 64u   /* the server's own descriptors */
#define FILES_FEW 20u        /* the same where there are hardly more */
#define FILES_OF_TRANSFER 3u /* of an upload: the file, its directory, what it replaces */
#define TRANSFERS_MAX 682u   /* a third of the descriptors for work */
/* Pipes of commands and of what they left in the background, files of transfers. */
#define FILES_FOR_WORK 6144u

void guard_init(struct guard *guard, size_t limit)
{
	*guard = (struct guard){ .limit = limit };
}

/* The descriptors that are not the server's own. */
static size_t files_left(void)
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

static size_t files_for_work(void)
{
	size_t half = files_left() / 2;

	return half < FILES_FOR_WORK ? half : FILES_FOR_WORK;
}

size_t guard_limit(void)
{
	size_t rest = files_left() - files_for_work();

	return rest < CONNECTIONS_MAX ? rest : CONNECTIONS_MAX;
}

size_t guard_transfers(void)
{
	size_t transfers = files_for_work() / FILES_OF_TRANSFER;

	return transfers < TRANSFERS_MAX ? transfers : TRANSFERS_MAX;
}

/* ---- lists ---- */

static void list_add(struct guard *guard, struct connection *connection)
{
	enum phase phase = connection->phase;

	connection->previous = guard->last[phase];
	connection->next = NULL;
	if (guard->last[phase] != NULL) {
		guard->last[phase]->next = connection;
	} else {
		guard->first[phase] = connection;
	}
	guard->last[phase] = connection;
}

static void list_remove(struct guard *guard, struct connection *connection)
{
	enum phase phase = connection->phase;

	if (connection->previous != NULL) {
		connection->previous->next = connection->next;
	} else {
		guard->first[phase] = connection->next;
	}
	if (connection->next != NULL) {
		connection->next->previous = connection->previous;
	} else {
		guard->last[phase] = connection->previous;
	}
}

/* What the kernel has received for a socket so far. */
static uint64_t received(int fd)
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

	*connection =
		(struct connection){ .phase = PHASE_HEAD, .fd = fd, .since = now, .begun = now };
	list_add(guard, connection);
	guard->count++;
	return connection;
}

void guard_remove(struct guard *guard, struct connection *connection)
{
	guard_let_go(guard, connection);
	list_remove(guard, connection);
	guard->count--;
	free(connection);
}

void guard_enter(struct guard *guard, struct connection *connection, enum phase phase, uint64_t now)
{
	list_remove(guard, connection);
	connection->phase = phase;
	connection->since = connection->begun = now;
	connection->started = false;
	connection->ignored = connection->answering = false;
	connection->paused = false;
	connection->bytes = phase == PHASE_HEAD ? received(connection->fd) : 0;
	list_add(guard, connection);
}

/* ---- deadlines ---- */

/* libmicrohttpd reads the end, or an error, and cleans up. */
static void doom(struct connection *connection)
{
	connection->doomed = true;
	(void)shutdown(connection->fd, SHUT_RDWR);
}

typedef bool guard_question(const struct connection *connection);

static bool is_any(const struct connection *connection UNUSED)
{
	return true;
}

static bool is_ignored(const struct connection *connection)
{
	return connection->ignored;
}

/* A body that brings hardly more than it must; not an upload on its way. */
static bool is_slow(const struct connection *connection)
{
	return !connection->paused && connection->bytes < 4 * BODY_WINDOW_BYTES;
}

static bool is_answering(const struct connection *connection)
{
	return connection->answering;
}

/* Each list has the oldest one first. */
static struct connection *find_oldest(const struct guard *guard, enum phase phase,
				      guard_question *question)
{
	struct connection *at = guard->first[phase];

	while (at != NULL && (at->doomed || !question(at))) {
		at = at->next;
	}
	return at;
}

static struct connection *find_victim(const struct guard *guard)
{
	struct connection *ignored = find_oldest(guard, PHASE_BODY, is_ignored);
	struct connection *idle = find_oldest(guard, PHASE_HEAD, is_any);
	struct connection *slow = find_oldest(guard, PHASE_BODY, is_slow);

	if (ignored != NULL) {
		return ignored;
	}
	if (idle != NULL && slow != NULL) {
		return slow->begun < idle->begun ? slow : idle;
	}
	if (idle != NULL || slow != NULL) {
		return idle != NULL ? idle : slow;
	}
	slow = find_oldest(guard, PHASE_BODY, is_any);
	return slow != NULL ? slow : find_oldest(guard, PHASE_BUSY, is_answering);
}

bool guard_evict(struct guard *guard)
{
	struct connection *victim = find_victim(guard);

	if (victim != NULL) {
		doom(victim);
	}
	return victim != NULL;
}

/* ---- memory of bodies ---- */

static struct connection *find_larger(const struct guard *guard, size_t size)
{
	struct connection *largest = NULL;

	for (struct connection *at = guard->first[PHASE_BODY]; at != NULL; at = at->next) {
		if (!at->doomed && at->held > size) {
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
		struct connection *victim = find_larger(guard, size);

		if (victim == NULL) {
			return false;
		}
		doom(victim);
		guard_let_go(guard, victim); /* it is freed in this turn of the loop or the next */
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

static void sweep_head(struct connection *connection, uint64_t now)
{
	if (!connection->started && received(connection->fd) > connection->bytes) {
		connection->started = true;
		connection->since = now;
	}
	if (now - connection->since > (connection->started ? HEAD_US - SWEEP_US : IDLE_US)) {
		doom(connection);
	}
}

/* An end that came together with the last data tells libmicrohttpd nothing: epoll tells it once. */
bool guard_has_gone(const struct connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void sweep_body(struct connection *connection, uint64_t now)
{
	if (guard_has_gone(connection)) {
		doom(connection);
		return;
	}
	if (connection->ignored && now - connection->begun > BODY_IGNORED_US) {
		doom(connection);
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
		doom(connection);
		return;
	}
	connection->since = now;
	connection->bytes = 0;
}

void guard_sweep(struct guard *guard, uint64_t now)
{
	for (struct connection *at = guard->first[PHASE_HEAD]; at != NULL; at = at->next) {
		if (!at->doomed) {
			sweep_head(at, now);
		}
	}
	for (struct connection *at = guard->first[PHASE_BODY]; at != NULL; at = at->next) {
		if (!at->doomed) {
			sweep_body(at, now);
		}
	}
}

/* ---- heads ---- */

static const char token_characters[] =
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct head {
	size_t size, count, lengths, codings, hosts;
	const char *begin, *end; /* of the lines so far */
	bool odd;
};

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 20 && text[digits] == '\0';
}

static bool is_name(const char *text, size_t length)
{
	return length > 0 && strlen(text) == length && strspn(text, token_characters) == length;
}

/* Where a server before us reads a CR or a NUL as the end of something, it sees another head. */
static bool is_value(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return true;
}

/* libmicrohttpd leaves names and values where it read them, each line ended by two NULs. There is a gap
 * where it has left a line out, cut one at a NUL, ended one at an LF alone, or joined two: what it
 * joins it puts behind the name, so that "Content-: 5" and " Length" become Content-Length. */
static bool has_gap(struct head *head, const char *name, const char *value, size_t length)
{
	bool gap = head->end != NULL && name != head->end;

	head->begin = head->begin != NULL ? head->begin : name;
	head->end = value + length + 2;
	return gap;
}

/* The same for the first line and the last. */
static bool is_whole(const struct request *request, const struct head *head)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t first = strlen(request->method) + strlen(request->target) + strlen("  HTTP/1.1\r\n");

	return info->header_size == first + (size_t)(head->end - head->begin) + strlen("\r\n");
}

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind UNUSED, const char *name,
				    size_t name_length, const char *value, size_t length)
{
	struct head *head = arg;
	const char *text = value != NULL ? value : "";

	head->count++;
	head->size += name_length + length + 4;
	head->odd = has_gap(head, name, text, length) || head->odd || !is_name(name, name_length) ||
		    !is_value(text, length);
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		head->lengths++;
		head->odd = head->odd || !is_number(text);
	} else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		head->codings++;
		head->odd = head->odd || strcasecmp(text, "chunked") != 0;
	} else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
		head->hosts++;
	}
	return MHD_YES;
}

unsigned int guard_check_head(const struct request *request)
{
	struct head head = { 0 };

	if (strlen(request->target) > TARGET_MAX) {
		return MHD_HTTP_URI_TOO_LONG;
	}
	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, count_header, &head);
	if (head.size > HEAD_MAX || head.count > HEADERS_MAX) {
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	}
	/* Two servers in a row that disagree about where a body ends is how requests are smuggled. */
	if (head.odd || head.lengths + head.codings > 1 || head.hosts > 1 ||
	    !is_whole(request, &head)) {
		return MHD_HTTP_BAD_REQUEST;
	}
	return 0;
}
