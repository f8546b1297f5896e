/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that stop being HTTP: a session in a pod gets the descriptor, and gives it back at its
 * end. Called by local/server-exchange.c and by libmicrohttpd. */
#include "config.h"

#include "local/server-private.h"

#include "base/memory.h"
#include "local/remote.h"

#include <sys/socket.h>

/* From the answer that says 101 to the end of the session. */
struct upgrade {
	struct server *server;
	struct link *link;
	struct remote_target *target;
	struct MHD_UpgradeResponseHandle *handle;
	int peer;
};

void upgrade_forget(struct server *server, struct link *link)
{
	struct upgrade *upgrade = TAKE(link->upgrade);

	if (upgrade != NULL) {
		remote_leave(server->remote);
		remote_target_free(upgrade->target);
		free(upgrade);
	}
}

static void done(void *arg)
{
	struct upgrade *upgrade = arg;

	/* What carries TLS waits for the client to close; so one that does not is closed here. */
	(void)shutdown(upgrade->peer, SHUT_RDWR);
	(void)MHD_upgrade_action(upgrade->handle, MHD_UPGRADE_ACTION_CLOSE);
	free(upgrade);
}

static void upgraded(void *arg, struct MHD_Connection *connection UNUSED, void *request UNUSED,
		     const char *early, size_t early_length, MHD_socket fd,
		     struct MHD_UpgradeResponseHandle *handle)
{
	struct upgrade *upgrade = arg;

	upgrade->peer = upgrade->link->fd;
	upgrade->link->upgrade = NULL;
	upgrade->link = NULL;
	upgrade->handle = handle;
	remote_start(upgrade->server->remote, TAKE(upgrade->target), fd, upgrade->peer, early,
		     early_length, done, upgrade);
}

struct MHD_Response *upgrade_response(struct server *server, struct link *link,
				      struct api_answer *answer)
{
	struct upgrade *upgrade = xnew(struct upgrade);
	struct MHD_Response *response = MHD_create_response_for_upgrade(upgraded, upgrade);

	if (response == NULL || link->upgrade != NULL) {
		free(upgrade);
		return NULL;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "SPDY/3.1");
	(void)MHD_add_response_header(response, "X-Stream-Protocol-Version",
				      answer->remote->protocol);
	*upgrade =
		(struct upgrade){ .server = server, .link = link, .target = TAKE(answer->remote) };
	link->upgrade = upgrade;
	return response;
}
