/* SPDX-License-Identifier: Apache-2.0 */
/* What the requests of the kubelet server share. Called by the other files of node/server. */
#include "config.h"

#include "node/server/response.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

bool server_take_part(const char **at, char *ret, size_t size)
{
	size_t length = strcspn(*at, "/");

	if (length == 0 || length >= size) {
		return false;
	}
	memcpy(ret, *at, length);
	ret[length] = '\0';
	*at += length;
	return true;
}

int server_send_bytes(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			return sent < 0 ? -errno : -EPIPE;
		}
		data += sent;
		length -= (size_t)sent;
	}
	return 0;
}

void server_send_text(int fd, const char *status, const char *text)
{
	CLEANUP_FREE char *response = xprintf(
		"HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
		status, strlen(text) + 1, text);

	server_send_bytes(fd, response, strlen(response));
}

char *server_find_container(struct runtime *runtime, const char *uid, const char *name,
			    bool previous, struct error *reterr)
{
	struct runtime_list list = { 0 };
	const struct runtime_status *now = NULL, *before = NULL;
	char *id = NULL;

	if (runtime->ops->list(runtime, uid, &list, reterr) < 0) {
		return NULL;
	}
	for (size_t i = 0; i < list.count; i++) {
		const struct runtime_status *status = &list.items[i];

		if (status->name == NULL || strcmp(status->name, name) != 0) {
			continue;
		}
		if (now == NULL || status->attempt > now->attempt) {
			before = now;
			now = status;
		} else if (before == NULL || status->attempt > before->attempt) {
			before = status;
		}
	}
	now = previous ? before : now;
	if (now != NULL) {
		id = xstrdup(now->id);
	} else {
		error_set(reterr, -ENOENT, "%s container \"%s\" in pod \"%s\" not found",
			  previous ? "previous terminated" : "no", name, uid);
	}
	runtime_list_finish(&list);
	return id;
}
