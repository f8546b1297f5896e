/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that stop being HTTP: a session in a pod reads and writes them, until it gives them back
 * to be closed. Called by apiserver/http/exchange.c.
 *
 * libmicrohttpd's own upgrades carry TLS through a buffer of four bytes when the head has filled the
 * connection's memory, and do not tell when the client goes. So the connection is suspended instead,
 * in which libmicrohttpd leaves it alone, and its socket and TLS session are used directly. */
#include "config.h"

#include "apiserver/http/server-private.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "apiserver/remote/remote.h"
#include "base/memory.h"

/* From the response that says 101 to the end of the session; the session's thread's. */
struct upgrade {
	struct MHD_Connection *connection;
	gnutls_session_t tls; /* NULL: plain */
	int fd;
	bool repeats; /* TLS holds a record that did not go out whole */
};

static ssize_t upgrade_result_of(ssize_t r)
{
	if (r >= 0) {
		return r;
	}
	errno = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED ? EAGAIN : ECONNRESET;
	return -1;
}

static ssize_t upgrade_take_bytes(void *arg, char *data, size_t size)
{
	const struct upgrade *upgrade = arg;

	return upgrade->tls != NULL
		       ? upgrade_result_of(gnutls_record_recv(upgrade->tls, data, size))
		       : recv(upgrade->fd, data, size, MSG_DONTWAIT);
}

static ssize_t upgrade_give_bytes(void *arg, const char *data, size_t size)
{
	struct upgrade *upgrade = arg;
	ssize_t sent;

	if (upgrade->tls == NULL) {
		return send(upgrade->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	sent = upgrade_result_of(upgrade->repeats ? gnutls_record_send(upgrade->tls, NULL, 0)
						  : gnutls_record_send(upgrade->tls, data, size));
	upgrade->repeats = sent < 0 && errno == EAGAIN;
	return sent;
}

/* Whether TLS holds bytes that it has read already, of which poll() does not know. */
static bool upgrade_has_bytes(void *arg)
{
	const struct upgrade *upgrade = arg;

	return upgrade->tls != NULL && gnutls_record_check_pending(upgrade->tls) > 0;
}

/* libmicrohttpd then asks for the response again, gets none, and closes the connection. */
static void upgrade_done(void *arg)
{
	struct upgrade *upgrade = arg;

	(void)shutdown(upgrade->fd, SHUT_RDWR);
	MHD_resume_connection(upgrade->connection);
	free(upgrade);
}

void upgrade_start(struct server *server, struct MHD_Connection *connection,
		   struct remote_target *take_target)
{
	struct upgrade *upgrade = xnew(struct upgrade);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	const struct remote_wire wire = { .fd = link_of(connection)->http.fd,
					  .receive = upgrade_take_bytes,
					  .send = upgrade_give_bytes,
					  .pending = upgrade_has_bytes,
					  .done = upgrade_done,
					  .arg = upgrade };

	upgrade->connection = connection;
	upgrade->tls = info != NULL ? (gnutls_session_t)info->tls_session : NULL;
	upgrade->fd = wire.fd;
	link_phase(server, connection, HTTP_PHASE_STREAM);
	MHD_suspend_connection(connection);
	remote_start(server->remote, take_target, &wire);
}
