/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the state directory: Podman's configuration, runsc's flags, the root of pause
 * containers. handler.c has them written before the first call. */
#include "config.h"

#include "node/podman/podman-private.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

#define PAUSE_MAX (16u << 20) /* bytes of the pause's binary: catatonit has 0.8 MB */
#define NOFILE_MAX (1u << 20) /* what Podman itself would set */

char *podman_find(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/') != NULL) {
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	}
	if (path == NULL) {
		path = "/usr/sbin:/usr/bin:/sbin:/bin";
	}
	while (*path != '\0') {
		size_t length = strcspn(path, ":");
		CLEANUP_FREE char *file = xprintf("%.*s/%s", (int)length, path, name);

		if (length > 0 && access(file, X_OK) == 0) {
			return TAKE(file);
		}
		path += length + (path[length] == ':');
	}
	return NULL;
}

int podman_write_file(const char *path, const char *text, size_t length, mode_t mode,
		      struct error *reterr)
{
	int code = file_replace(path, text, length, mode, false);

	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write '%s': %s", path, strerror(-code));
}

/* ---- limits ---- */

/* The service raises its own limit of processes to pid_max at most, and can set no more than that
 * for a container where it lacks CAP_SYS_RESOURCE. */
static uint64_t files_most_processes(void)
{
	CLEANUP_BUF struct buf text = BUF_INIT(64);
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };
	int64_t most = 32768;

	if (file_read("/proc/sys/kernel/pid_max", &text) == 0 && text.length > 0) {
		text.data[strcspn(text.data, "\n")] = '\0';
		(void)integer_parse(text.data, 1, INT64_MAX, &most);
	}
	(void)getrlimit(RLIMIT_NPROC, &limit);
	return limit.rlim_max < (uint64_t)most ? limit.rlim_max : (uint64_t)most;
}

static uint64_t files_most_files(void)
{
	struct rlimit limit = { .rlim_max = NOFILE_MAX };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max < NOFILE_MAX ? limit.rlim_max : NOFILE_MAX;
}

static struct json_object *files_rlimit(const char *type, uint64_t value)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "type", json_object_new_string(type));
	json_object_object_add(entry, "hard", json_object_new_int64((int64_t)value));
	json_object_object_add(entry, "soft", json_object_new_int64((int64_t)value));
	return entry;
}

struct json_object *podman_rlimits(void)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, files_rlimit("nofile", files_most_files()));
	json_object_array_add(list, files_rlimit("nproc", files_most_processes()));
	return list;
}

/* ---- the directory ---- */

/* Writes a configuration of our own, independent of the machine's and without systemd. Podman's API
 * ignores its default limits; only the command line uses them. */
static int files_write_configuration(const struct podman *podman, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/containers.conf", podman->state_dir);
	unsigned long long files = files_most_files(), processes = files_most_processes();
	CLEANUP_FREE char *text = xprintf(
		"[containers]\n"
		"default_ulimits = [\"nofile=%llu:%llu\", \"nproc=%llu:%llu\"]\n"
		"log_driver = \"k8s-file\"\n"
		"http_proxy = false\n"
		"[engine]\n"
		"cgroup_manager = \"cgroupfs\"\n"
		"events_logger = \"file\"\n"
		"[engine.runtimes]\n"
		"runsc = [\"%s/runsc\"]\n"
		"[network]\n"
		"network_backend = \"netavark\"\n"
		/* Podman's own choice has room for 253 pods. */
		"default_subnet_pools = [{\"base\" = \"10.89.0.0/16\", \"size\" = 20}, {\"base\" = \"10.90.0.0/15\", \"size\" = 20}]\n",
		files, files, processes, processes, podman->state_dir);

	return podman_write_file(path, text, strlen(text), 0600, reterr);
}

/* Makes a root file system with one static program. Podman's mount points are made in advance, so
 * that pods which start together do not race to make them. */
static int files_write_pause(const struct podman *podman, struct error *reterr)
{
	static const char *const directories[] = { "",     "/dev", "/proc", "/sys",
						   "/etc", "/run", "/tmp",  "/var" };
	static const char *const files[] = { "/etc/hosts", "/etc/hostname", "/etc/resolv.conf" };
	CLEANUP_FREE char *binary = podman_find(podman->pause);
	CLEANUP_FREE char *path = xprintf("%s/pause/pause", podman->state_dir);
	CLEANUP_BUF struct buf program = BUF_INIT(PAUSE_MAX);
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_LEN(directories); i++) {
		CLEANUP_FREE char *directory =
			xprintf("%s/pause%s", podman->state_dir, directories[i]);

		code = file_make_directory(directory, 0755, reterr);
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *file = xprintf("%s/pause%s", podman->state_dir, files[i]);

		code = podman_write_file(file, "", 0, 0644, reterr);
	}
	if (code < 0 || access(path, X_OK) == 0) {
		return code;
	}
	if (binary == NULL) {
		return error_set(reterr, -ENOENT, "no '%s' on PATH: install the package catatonit",
				 podman->pause);
	}
	code = file_read(binary, &program);
	if (code < 0) {
		return error_set(reterr, code, "cannot read '%s': %s", binary, strerror(-code));
	}
	return podman_write_file(path, program.data, program.length, 0755, reterr);
}

int podman_write_files(struct podman *podman, struct error *reterr)
{
	CLEANUP_FREE char *pods = xprintf("%s/pods", podman->state_dir);
	int code = files_write_configuration(podman, reterr);

	if (code == 0) {
		code = file_make_directory(pods, 0700, reterr);
	}
	return code == 0 ? files_write_pause(podman, reterr) : code;
}
