/* SPDX-License-Identifier: Apache-2.0 */
/* Pods: a pause container that holds the network of the pod. The node starts and removes pods
 * through podman.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/create.h"
#include "node/podman/inspect.h"
#include "node/podman/podman-private.h"

/* The address under which other machines reach this one. */
static void pod_own_address(char ret_ip[64])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Nothing is sent: the kernel only picks a route. 192.0.2.1 is nobody's. */
	(void)inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
	snprintf(ret_ip, 64, "127.0.0.1");
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
		(void)inet_ntop(AF_INET, &address.sin_addr, ret_ip, 64);
	}
	if (fd >= 0) {
		close(fd);
	}
}

static char *pod_directory(const struct podman *podman, const char *uid)
{
	return xprintf("%s/pods/%s", podman->state_dir, uid);
}

static int pod_launch_pause(struct podman *podman, int handler, const struct runtime_pod *pod,
			    struct json_object **ret_inspect, struct error *reterr)
{
	CLEANUP_FREE char *root = xprintf("%s/pause", podman->state_dir);
	CLEANUP_FREE char *name = podman_pause_name(pod->uid);
	char id[80];
	const struct podman_create create = {
		.label = podman->label,
		.handler = podman->services[handler].handler,
		.root = root,
		.network = podman->network,
		.take_rlimits = podman_rlimits(),
	};
	CLEANUP_JSON struct json_object *body = podman_create_pause(&create, pod);
	int code = podman_launch(podman, handler, name, body, id, ret_inspect, reterr);

	if (code < 0 || asb_streq(asb_str(*ret_inspect, "State", "Status"), "running")) {
		return code;
	}
	/* The pause existed and has ended: the machine was restarted. */
	json_release(ret_inspect);
	*ret_inspect = NULL;
	code = podman_call_on(podman, handler, "POST", name, "/start", NULL, reterr);
	return code < 0 ? code
			: podman_call_on(podman, -1, "GET", name, "/json", ret_inspect, reterr);
}

int podman_start_pod(struct runtime *runtime, const struct runtime_pod *pod, char ret_ip[64],
		     struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	CLEANUP_JSON struct json_object *inspect = NULL;
	char ip[64];
	int handler, code;

	if (!podman_name_ok(pod->uid)) {
		return error_set(reterr, -EINVAL, "'%s' is not a pod UID", pod->uid);
	}
	/* The pod's own handler must work, but the pause runs under the default one. */
	code = podman_handler(podman, pod->handler, &handler, reterr);
	if (code == 0) {
		code = podman_handler(podman, NULL, &handler, reterr);
	}
	if (code == 0) {
		code = pod_launch_pause(podman, handler, pod, &inspect, reterr);
	}
	if (code < 0) {
		return code;
	}
	if (pod->host_network) {
		pod_own_address(ip);
	} else if (!podman_read_ip(inspect, podman->network, ip)) {
		return error_set(reterr, -EAGAIN, "podman gave the pod no address on '%s'",
				 podman->network);
	}
	code = podman_etc_make(podman, pod, ip, inspect, reterr);
	if (code == 0) {
		memcpy(ret_ip, ip, sizeof(ip));
	}
	return code;
}

static int pod_remove_all(struct podman *podman, const struct runtime_list *list, bool pauses,
			  struct error *reterr)
{
	int result = 0;

	for (size_t i = 0; i < list->count; i++) {
		if ((list->items[i].name == NULL) != pauses) {
			continue;
		}

		int code = podman_call_on(podman, -1, "DELETE", list->items[i].id, PODMAN_REMOVE,
					  NULL, reterr);

		podman_forget_stopped(podman, list->items[i].id);
		result = code < 0 && code != -ENOENT ? code : result;
	}
	return result;
}

int podman_remove_pod(struct runtime *runtime, const char *uid, struct error *reterr)
{
	struct podman *podman = podman_of(runtime);
	struct runtime_list list = { 0 };
	int code = podman_name_ok(uid) ? podman_list(runtime, uid, &list, reterr)
				       : error_set(reterr, -EINVAL, "'%s' is not a pod UID", uid);

	if (code < 0) {
		return code;
	}
	/* Podman refuses to remove the pause before those that use its network. */
	code = pod_remove_all(podman, &list, false, reterr);
	if (code == 0) {
		code = pod_remove_all(podman, &list, true, reterr);
	}
	runtime_list_finish(&list);
	if (code == 0) {
		CLEANUP_FREE char *directory = pod_directory(podman, uid);

		podman_etc_remove(podman, uid);
		(void)rmdir(directory);
	}
	return code;
}
