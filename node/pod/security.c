/* SPDX-License-Identifier: Apache-2.0 */
/* Reads sysctls and seccomp profiles from a pod's spec. Called when its sandbox and its containers
 * are started. */
#include "config.h"

#include "node/pod/security.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "node/volumes/files.h"

#define SYSCTLS_MAX 64u /* of one pod; there are twelve to choose from */
#define VALUE_MAX 1024u

/* The sysctls that a kubelet allows by default: they belong to a namespace.
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls */
static const struct sysctl {
	const char *name;
	bool network;
} sysctls[] = {
	{ "kernel.shm_rmid_forced", false },
	{ "net.ipv4.ip_local_port_range", true },
	{ "net.ipv4.ip_local_reserved_ports", true },
	{ "net.ipv4.ip_unprivileged_port_start", true },
	{ "net.ipv4.ping_group_range", true },
	{ "net.ipv4.tcp_fin_timeout", true },
	{ "net.ipv4.tcp_keepalive_intvl", true },
	{ "net.ipv4.tcp_keepalive_probes", true },
	{ "net.ipv4.tcp_keepalive_time", true },
	{ "net.ipv4.tcp_rmem", true },
	{ "net.ipv4.tcp_syncookies", true },
	{ "net.ipv4.tcp_wmem", true },
};

/* "net/ipv4/x" is another way to write "net.ipv4.x". */
static const struct sysctl *security_sysctl_find(const char *name)
{
	CLEANUP_FREE char *plain = xstrdup(name);

	for (char *at = plain; *at != '\0' && strchr(name, '.') == NULL; at++) {
		*at = *at == '/' ? '.' : *at;
	}
	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
		if (strcmp(sysctls[i].name, plain) == 0) {
			return &sysctls[i];
		}
	}
	return NULL;
}

static int security_sysctl_read(struct json_object *pod, struct json_object *item, char **network,
				char **own, struct error *reterr)
{
	const char *name = asb_str(item, "name"), *value = asb_str(item, "value");
	const struct sysctl *sysctl = name != NULL ? security_sysctl_find(name) : NULL;

	if (sysctl == NULL) {
		return error_set(reterr, -EINVAL, "forbidden sysctl: \"%.200s\" not allowlisted",
				 name != NULL ? name : "");
	}
	if (sysctl->network && asb_true(asb_at(pod, "spec", "hostNetwork"))) {
		return error_set(reterr, -EINVAL,
				 "forbidden sysctl: \"%s\" not allowed with host net enabled",
				 sysctl->name);
	}
	if (value == NULL || strlen(value) > VALUE_MAX || strpbrk(value, "\n\r") != NULL) {
		return error_set(reterr, -EINVAL, "sysctl \"%s\" has no value of one line",
				 sysctl->name);
	}
	char **list = sysctl->network ? network : own;

	while (*list != NULL) {
		list++;
	}
	*list = xprintf("%s=%s", sysctl->name, value);
	return 0;
}

int sysctls_read(struct json_object *pod, char ***ret_network, char ***ret_own,
		 struct error *reterr)
{
	struct json_object *items = asb_array(pod, "spec", "securityContext", "sysctls");
	size_t count = asb_length(items);
	int code = 0;

	if (count > SYSCTLS_MAX) {
		return error_set(reterr, -EINVAL, "the pod has %zu sysctls, and %u are the most",
				 count, SYSCTLS_MAX);
	}
	char **network = xnew_array(char *, count + 1), **own = xnew_array(char *, count + 1);

	for (size_t i = 0; code == 0 && i < count; i++) {
		code = security_sysctl_read(pod, json_object_array_get_idx(items, i), network, own,
					    reterr);
	}
	if (code < 0) {
		names_finish(network);
		names_finish(own);
		return code;
	}
	*ret_network = network;
	*ret_own = own;
	return 0;
}

/* A regular file below the directory of profiles. */
static int security_seccomp_local(const char *root, const char *profile, char **ret,
				  struct error *reterr)
{
	CLEANUP_FREE char *directory = xprintf("%s/seccomp", root);
	CLEANUP_FD int top = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int file =
		top < 0 ? -errno : open_beneath(top, profile, O_RDONLY | O_NONBLOCK, 0, 0);
	struct stat info;

	if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
		*ret = xprintf("%s/%s", directory, profile);
		return 0;
	}
	return error_set(reterr, -EPERM, "cannot load seccomp profile \"%s/%.200s\": %s", directory,
			 profile, file < 0 ? strerror(-file) : "it is not a file");
}

int seccomp_read(const char *root, struct json_object *pod, struct json_object *container,
		 char **ret, struct error *reterr)
{
	struct json_object *profile = asb_at(container, "securityContext", "seccompProfile");
	const char *type, *local;

	if (profile == NULL) {
		profile = asb_at(pod, "spec", "securityContext", "seccompProfile");
	}
	type = asb_str(profile, "type");
	local = asb_str(profile, "localhostProfile");
	*ret = NULL;
	if (profile == NULL || asb_streq(type, "RuntimeDefault")) {
		return 0;
	}
	if (asb_streq(type, "Unconfined")) {
		*ret = xstrdup("unconfined");
		return 0;
	}
	if (!asb_streq(type, "Localhost") || local == NULL || *local == '\0') {
		return error_set(reterr, -EPERM, "seccompProfile has no type \"%.100s\"%s",
				 type != NULL ? type : "",
				 asb_streq(type, "Localhost") ? " without a localhostProfile" : "");
	}
	return security_seccomp_local(root, local, ret, reterr);
}
