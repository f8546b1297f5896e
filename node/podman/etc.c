/* SPDX-License-Identifier: Apache-2.0 */
/* The files of /etc that the node writes for a pod: hosts, hostname, resolv.conf; on a small tmpfs,
 * so that a container cannot fill a disk of the machine. Called when a pod is started and
 * removed, and for the mounts of each container. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"
#include "node/volumes/files.h"

#define HOSTS_MAX (256u << 10)
#define RESOLV_MAX (64u << 10)
#define ETC_OPTIONS "mode=0755,size=1m" /* all files of one pod */

static const struct etc_file {
	const char *name, *target;
	bool read_only;
} etc_files[] = {
	{ "hosts", "/etc/hosts", false },
	{ "hostname", "/etc/hostname", false },
	{ "resolv.conf", "/etc/resolv.conf", false },
	{ "containerenv", "/run/.containerenv", true },
};

static char *etc_directory(const struct podman *podman, const char *uid)
{
	return xprintf("%s/pods/%s/etc", podman->state_dir, uid);
}

static int etc_write(const char *directory, const char *name, const struct buf *text,
		     struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);

	if (text->failed) {
		return error_set(reterr, -EINVAL, "what belongs into '%s' is too long", path);
	}
	return podman_write_file(path, buf_str(text), text->length, 0644, reterr);
}

static int etc_write_hosts(const char *directory, const struct runtime_pod *pod, const char *ip,
			   struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(HOSTS_MAX);

	buf_append_str(&text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	buf_printf(&text, "%s\t%s\n", ip, pod->hostname != NULL ? pod->hostname : pod->name);
	for (size_t i = 0; pod->host_aliases != NULL && pod->host_aliases[i] != NULL; i++) {
		buf_printf(&text, "%s\n", pod->host_aliases[i]);
	}
	return etc_write(directory, "hosts", &text, reterr);
}

static int etc_write_hostname(const char *directory, const struct runtime_pod *pod,
			      struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1024);
	char own[256] = "";

	if (pod->host_network) {
		(void)gethostname(own, sizeof(own) - 1);
	}
	buf_printf(&text, "%s\n", pod->host_network ? own : pod->hostname);
	return etc_write(directory, "hostname", &text, reterr);
}

/* What Podman made for the pause, which all containers of the pod would write to. */
static int etc_write_resolver(const char *directory, struct json_object *pause,
			      struct error *reterr)
{
	const char *path = asb_str(pause, "ResolvConfPath");
	CLEANUP_BUF struct buf text = BUF_INIT(RESOLV_MAX);

	if (path == NULL || *path == '\0' || file_read(path, &text) < 0) {
		return 0; /* the container has Podman's own */
	}
	return etc_write(directory, "resolv.conf", &text, reterr);
}

/* Mounts the tmpfs; where none may be mounted, the files are on the disk. again: over the present
 * one, which is full. Running containers keep theirs. */
static int etc_make(const char *pod, bool again, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/etc", pod);
	CLEANUP_FD int parent = open(pod, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (again) {
		(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}

	CLEANUP_FD int directory = parent < 0 ? -errno : directory_make(parent, "etc", 0755, NULL);

	if (directory < 0) {
		return error_set(reterr, directory, "cannot make '%s': %s", path,
				 strerror(-directory));
	}
	if (!is_mount(parent, directory)) {
		(void)mount("tmpfs", fd_path(directory).text, "tmpfs",
			    MS_NOSUID | MS_NODEV | MS_NOEXEC, ETC_OPTIONS);
	}
	return 0;
}

static int etc_write_all(const char *etc, const struct runtime_pod *pod, const char *ip,
			 struct json_object *pause, struct error *reterr)
{
	const struct buf empty = BUF_INIT(1);
	int code = etc_write_hosts(etc, pod, ip, reterr);

	if (code == 0) {
		code = etc_write_hostname(etc, pod, reterr);
	}
	if (code == 0) {
		code = etc_write_resolver(etc, pause, reterr);
	}
	return code < 0 ? code : etc_write(etc, "containerenv", &empty, reterr);
}

int podman_etc_make(const struct podman *podman, const struct runtime_pod *pod, const char *ip,
		    struct json_object *pause, struct error *reterr)
{
	CLEANUP_FREE char *directory = xprintf("%s/pods/%s", podman->state_dir, pod->uid);
	CLEANUP_FREE char *etc = etc_directory(podman, pod->uid);
	int code = file_make_directory(directory, 0700, reterr);

	if (code < 0) {
		return code;
	}
	code = etc_make(directory, false, reterr);
	if (code == 0) {
		code = etc_write_all(etc, pod, ip, pause, reterr);
	}
	/* A container has filled the tmpfs. */
	if (code == -ENOSPC && (code = etc_make(directory, true, reterr)) == 0) {
		code = etc_write_all(etc, pod, ip, pause, reterr);
	}
	return code;
}

size_t podman_etc_mounts(const struct podman *podman, const char *uid,
			 struct runtime_mount ret[PODMAN_ETC_FILES])
{
	CLEANUP_FREE char *directory = etc_directory(podman, uid);
	size_t count = 0;

	_Static_assert(ARRAY_LEN(etc_files) == PODMAN_ETC_FILES, "one place for each file");
	for (size_t i = 0; i < ARRAY_LEN(etc_files); i++) {
		char *path = xprintf("%s/%s", directory, etc_files[i].name);

		/* A pod that an earlier release started has only its hosts file. */
		if (access(path, R_OK) != 0 && i == 0) {
			free(path);
			path = xprintf("%s/pods/%s/hosts", podman->state_dir, uid);
		}
		if (access(path, R_OK) != 0) {
			free(path);
			continue;
		}
		ret[count++] = (struct runtime_mount){ .source = path,
						       .target = etc_files[i].target,
						       .read_only = etc_files[i].read_only };
	}
	return count;
}

void podman_etc_mounts_finish(struct runtime_mount *mounts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)(uintptr_t)mounts[i].source);
	}
}

void podman_etc_remove(const struct podman *podman, const char *uid)
{
	CLEANUP_FREE char *directory = etc_directory(podman, uid);
	CLEANUP_FREE char *hosts = xprintf("%s/pods/%s/hosts", podman->state_dir, uid);

	(void)unlink(hosts); /* an earlier release's */
	(void)umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW);
	for (size_t i = 0; i < ARRAY_LEN(etc_files); i++) {
		CLEANUP_FREE char *path = xprintf("%s/%s", directory, etc_files[i].name);

		(void)unlink(path);
	}
	(void)rmdir(directory);
}
