/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: their places, their threads, and the loop that carries bytes between a client and what its
 * kind of session connects it with. The HTTP server starts them. */
#include "config.h"

#include "apiserver/remote/remote-private.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

#define OWN_POLLS (REMOTE_POLLS_MAX - REMOTE_PAIRS_MAX)
#define LINGER_US 5000000u /* for it to read the rest and to close */
#define SILENCE_MS 60000   /* at most between looks at the clock */

struct session {
	struct remote_session public;
	struct session *next; /* lock */
	struct remote *remote;
	struct sched_thread *thread; /* lock */
	bool over;                   /* lock */
	/* The thread's: */
	struct remote_target *target;
	const struct remote_kind *kind;
	void *state;
	struct remote_wire wire;
	bool gone;   /* the client */
	bool ending; /* only out is left to be sent */
};

struct remote {
	struct sched *sched;
	struct sched_mutex lock;
	struct session *sessions; /* lock */
	size_t places;            /* lock; that are taken */
	bool stopping;            /* lock */
	int stop;                 /* eventfd, readable: all end */
};

void remote_target_free(struct remote_target *target)
{
	if (target != NULL) {
		free(target->socket);
		free(target->path);
		free(target);
	}
}

/* ---- one session ---- */

static void remote_take_input(struct session *session, const char *data, size_t length)
{
	if (spdy_read(session->public.spdy, data, length, NULL) != 0) {
		spdy_put_goaway(0, &session->public.out);
		session->ending = true;
	}
}

static void remote_read_client(struct session *session)
{
	char piece[REMOTE_PIECE];
	ssize_t got = session->wire.receive(session->wire.arg, piece, sizeof(piece));

	if (got > 0 && !session->ending) {
		remote_take_input(session, piece, (size_t)got);
	} else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		session->gone = true;
	}
}

static void remote_write_client(struct session *session)
{
	struct buf *out = &session->public.out;
	ssize_t sent = session->wire.send(session->wire.arg, out->data, out->length);

	if (sent > 0) {
		buf_consume(out, (size_t)sent);
	} else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		session->gone = true;
	}
}

static int remote_left_ms(const struct session *session)
{
	uint64_t now = sched_now_us(session->public.sched), end = session->public.deadline_us;

	if (end <= now) {
		return 0;
	}
	return end - now > SILENCE_MS * UINT64_C(1000) ? SILENCE_MS : (int)((end - now) / 1000) + 1;
}

/* One round; false at the end. */
static bool remote_turn(struct session *session)
{
	struct pollfd fds[REMOTE_POLLS_MAX], *more = fds + OWN_POLLS;
	const struct buf *out = &session->public.out;
	bool reads = session->ending || !session->kind->full(session->state);
	bool pending = reads && session->wire.pending(session->wire.arg);
	size_t count = 0;

	/* The client closes its connection as a whole, so half an end of it is one. */
	fds[0] = (struct pollfd){ .fd = session->remote->stop, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = session->wire.fd,
				  .events = (short)(POLLRDHUP | (reads ? POLLIN : 0) |
						    (out->length > 0 ? POLLOUT : 0)) };
	if (!session->ending) {
		count = session->kind->polls(session->state, more);
	}
	if (poll(fds, OWN_POLLS + count, pending ? 0 : remote_left_ms(session)) < 0 &&
	    errno != EINTR) {
		return false;
	}
	if (fds[0].revents != 0 ||
	    sched_now_us(session->public.sched) >= session->public.deadline_us) {
		return false;
	}
	if ((fds[1].revents & POLLOUT) != 0) {
		remote_write_client(session);
	}
	if (pending || (fds[1].revents & POLLIN) != 0) {
		remote_read_client(session);
	} else if ((fds[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
		session->gone = true;
	}
	if (!session->ending && !session->kind->move(session->state, more, count)) {
		session->ending = true;
	}
	return !session->gone && !session->public.out.failed;
}

static void remote_finish(struct session *session)
{
	session->kind->destroy(session->state);
	session->wire.done(session->wire.arg);
	spdy_destroy(session->public.spdy);
	buf_finish(&session->public.out);
	remote_target_free(session->target);
}

static void remote_run(void *arg)
{
	struct session *session = arg;
	bool lingers = false;

	while (remote_turn(session)) {
		if (session->ending && !lingers) {
			session->public.deadline_us =
				sched_now_us(session->public.sched) + LINGER_US;
			lingers = true;
		}
	}
	remote_finish(session);

	LOCKED(&session->remote->lock);
	session->over = true;
	session->remote->places--;
}

/* ---- all of them ---- */

struct remote *remote_create(struct sched *sched)
{
	struct remote *remote = xnew(struct remote);

	remote->sched = sched;
	remote->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sched_mutex_init(&remote->lock, sched);
	return remote;
}

static struct session *remote_take_session(struct remote *remote, bool only_over)
{
	LOCKED(&remote->lock);
	for (struct session **link = &remote->sessions; *link != NULL; link = &(*link)->next) {
		struct session *session = *link;

		if (session->over || !only_over) {
			*link = session->next;
			return session;
		}
	}
	return NULL;
}

static void remote_join(struct remote *remote, bool only_over)
{
	struct session *session;

	while ((session = remote_take_session(remote, only_over)) != NULL) {
		sched_join(session->thread);
		free(session);
	}
}

void remote_stop(struct remote *remote)
{
	uint64_t one = 1;

	if (remote == NULL) {
		return;
	}
	{
		LOCKED(&remote->lock);
		remote->stopping = true;
	}
	if (write(remote->stop, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
		remote_join(remote, false);
	}
}

void remote_destroy(struct remote *remote)
{
	if (remote == NULL) {
		return;
	}
	close(remote->stop);
	sched_mutex_finish(&remote->lock);
	free(remote);
}

bool remote_enter(struct remote *remote)
{
	LOCKED(&remote->lock);
	if (remote->stopping || remote->places >= REMOTE_SESSIONS_MAX) {
		return false;
	}
	remote->places++;
	return true;
}

void remote_leave(struct remote *remote)
{
	LOCKED(&remote->lock);
	remote->places--;
}

void remote_start(struct remote *remote, struct remote_target *take_target,
		  const struct remote_wire *wire)
{
	struct session *session = xnew(struct session);

	remote_join(remote, true);
	session->remote = remote;
	session->target = take_target;
	session->wire = *wire;
	session->kind = take_target->forward ? &remote_forward_kind : &remote_exec_kind;
	session->public.sched = remote->sched;
	session->public.target = take_target;
	session->public.out = (struct buf)BUF_INIT(REMOTE_CEILING);
	session->public.deadline_us = SCHED_FOREVER;
	session->state = session->kind->create(&session->public);
	session->public.spdy = spdy_create(session->kind->events, session->state);
	buf_printf(&session->public.out,
		   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		   "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: %s\r\n\r\n",
		   take_target->protocol);

	{
		LOCKED(&remote->lock);
		if (!remote->stopping) {
			session->thread = sched_start(remote->sched, "remote", remote_run, session);
			session->next = remote->sessions;
			remote->sessions = TAKE(session);
		}
	}
	if (session != NULL) {
		remote_finish(session);
		free(session);
	}
}
