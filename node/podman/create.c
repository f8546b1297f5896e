/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of Podman's create requests (SpecGenerator), from what a pod says. pod.c and
 * container.c send them. */
#include "config.h"

#include "node/podman/create.h"

#include <agent-sandbox/helpers.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"

#define CPU_PERIOD_US 100000
#define SHARES_OF_A_CORE 1024
#define SHARES_MIN 2

char *podman_pause_name(const char *uid)
{
	return xprintf("asb-%s", uid);
}

char *podman_container_name(const char *uid, const char *container, uint32_t attempt)
{
	return xprintf("asb-%s-%s-%u", uid, container, attempt);
}

static struct json_object *create_array_of(const char *const *texts)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
		json_object_array_add(array, json_object_new_string(texts[i]));
	}
	return array;
}

static void create_set_flag(struct json_object *object, const char *name, bool value)
{
	if (value) {
		json_object_object_add(object, name, json_object_new_boolean(true));
	}
}

static void create_set_int(struct json_object *object, const char *name, int64_t value)
{
	json_object_object_add(object, name, json_object_new_int64(value));
}

static void create_set_namespace(struct json_object *object, const char *name, const char *mode,
				 const char *value)
{
	struct json_object *space = asb_object_in(object, name);

	asb_set_str(space, "nsmode", mode);
	asb_set_str(space, "value", value);
}

static struct json_object *create_begin(const struct podman_create *create,
					const struct runtime_pod *pod, const char *name)
{
	struct json_object *body = json_object_new_object();
	struct json_object *labels = asb_object_in(body, "labels");

	asb_set_str(body, "name", name);
	asb_set_str(labels, LABEL_NODE, create->label);
	asb_set_str(labels, LABEL_UID, pod->uid);
	asb_set_str(labels, LABEL_NS, pod->ns);
	asb_set_str(labels, LABEL_POD, pod->name);
	asb_set_str(labels, LABEL_HANDLER, create->handler);
	/* Under runsc a shared UTS namespace has no name, so each container has its own with the
	 * same name. */
	if (!pod->host_network) {
		asb_set_str(body, "hostname", pod->hostname);
	}
	/* /etc/hosts is the pod's, not what Podman makes of the machine's. */
	json_object_object_add(body, "use_image_hosts", json_object_new_boolean(true));
	json_object_object_add(body, "httpproxy", json_object_new_boolean(false));
	/* Podman's default for this depends on the name of the command. */
	asb_set_str(body, "systemd", "false");
	if (create->take_rlimits != NULL) {
		json_object_object_add(body, "r_limits", create->take_rlimits);
	}
	return body;
}

static void create_add_sysctls(struct json_object *body, const char *const *sysctls)
{
	for (size_t i = 0; sysctls != NULL && sysctls[i] != NULL; i++) {
		const char *equals = strchr(sysctls[i], '=');

		if (equals != NULL) {
			CLEANUP_FREE char *name =
				xstrndup(sysctls[i], (size_t)(equals - sysctls[i]));

			asb_set_str(asb_object_in(body, "sysctl"), name, equals + 1);
		}
	}
}

struct json_object *podman_create_pause(const struct podman_create *create,
					const struct runtime_pod *pod)
{
	static const char *const command[] = { "/pause", "-P", NULL };
	CLEANUP_FREE char *name = podman_pause_name(pod->uid);
	struct json_object *body = create_begin(create, pod, name);

	asb_set_str(body, "rootfs", create->root);
	json_object_object_add(body, "command", create_array_of(command));
	json_object_object_add(body, "read_only_filesystem", json_object_new_boolean(true));
	asb_set_str(asb_object_in(body, "log_configuration"), "driver", "none");
	if (pod->host_network) {
		create_set_namespace(body, "netns", "host", NULL);
		create_set_namespace(body, "utsns", "host", NULL);
	} else {
		create_set_namespace(body, "netns", "bridge", NULL);
		asb_object_in(asb_object_in(body, "Networks"), create->network);
		/* ping without CAP_NET_RAW, unless the pod says otherwise. */
		asb_set_str(asb_object_in(body, "sysctl"), "net.ipv4.ping_group_range",
			    "0 2147483647");
	}
	create_add_sysctls(body, pod->sysctls);
	return body;
}

/* ---- members ---- */

static void create_add_environment(struct json_object *body, const char *const *env)
{
	struct json_object *map = asb_object_in(body, "env");

	for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
		const char *equals = strchr(env[i], '=');

		if (equals != NULL && equals != env[i]) {
			CLEANUP_FREE char *name = xstrndup(env[i], (size_t)(equals - env[i]));

			asb_set_str(map, name, equals + 1);
		}
	}
}

static struct json_object *create_mount_of(const char *type, const char *source, const char *target)
{
	struct json_object *mount = json_object_new_object();

	asb_set_str(mount, "type", type);
	asb_set_str(mount, "source", source);
	asb_set_str(mount, "destination", target);
	return mount;
}

static struct json_object *create_bind_mount(const char *source, const char *target, bool read_only)
{
	const char *const options[] = { "rbind", "rprivate", read_only ? "ro" : "rw", NULL };
	struct json_object *mount = create_mount_of("bind", source, target);

	json_object_object_add(mount, "options", create_array_of(options));
	return mount;
}

static struct json_object *create_tmpfs_mount(const struct runtime_mount *wanted)
{
	struct json_object *mount = create_mount_of("tmpfs", "tmpfs", wanted->target);
	const char *const options[] = { wanted->read_only ? "ro" : "rw", "nosuid", "nodev",
					"mode=1777", NULL };
	struct json_object *array = create_array_of(options);

	if (wanted->size > 0) {
		CLEANUP_FREE char *size = xprintf("size=%llu", (unsigned long long)wanted->size);

		json_object_array_add(array, json_object_new_string(size));
	}
	json_object_object_add(mount, "options", array);
	return mount;
}

static bool create_is_mounted(const struct runtime_container *container, const char *target)
{
	for (size_t i = 0; i < container->mount_count; i++) {
		if (strcmp(container->mounts[i].target, target) == 0) {
			return true;
		}
	}
	return false;
}

static void create_add_mounts(struct json_object *body, const struct podman_create *create,
			      const struct runtime_container *container)
{
	struct json_object *mounts = json_object_new_array();

	for (size_t i = 0; i < container->mount_count; i++) {
		const struct runtime_mount *mount = &container->mounts[i];

		json_object_array_add(
			mounts,
			mount->source != NULL
				? create_bind_mount(mount->source, mount->target, mount->read_only)
				: create_tmpfs_mount(mount));
	}
	for (size_t i = 0; i < create->file_count; i++) {
		const struct runtime_mount *file = &create->files[i];

		if (!create_is_mounted(container, file->target)) {
			json_object_array_add(
				mounts,
				create_bind_mount(file->source, file->target,
						  file->read_only || container->read_only_root));
		}
	}
	json_object_object_add(body, "mounts", mounts);
}

static void create_add_limits(struct json_object *body, const struct runtime_container *container)
{
	struct json_object *limits = asb_object_in(body, "resource_limits");
	uint64_t shares = (uint64_t)container->cpu_request * SHARES_OF_A_CORE / 1000;

	if (container->memory_limit > 0) {
		struct json_object *memory = asb_object_in(limits, "memory");

		create_set_int(memory, "limit", (int64_t)container->memory_limit);
		/* Memory and swap together: no swap. */
		create_set_int(memory, "swap", (int64_t)container->memory_limit);
	}
	if (container->cpu_limit > 0) {
		int64_t quota = (int64_t)container->cpu_limit * CPU_PERIOD_US / 1000;

		create_set_int(asb_object_in(limits, "cpu"), "period", CPU_PERIOD_US);
		/* The kernel takes no less than a millisecond. */
		create_set_int(asb_object_in(limits, "cpu"), "quota", quota < 1000 ? 1000 : quota);
	}
	create_set_int(asb_object_in(limits, "cpu"), "shares",
		       (int64_t)(shares < SHARES_MIN ? SHARES_MIN : shares));
	if (container->pids_limit > 0) {
		create_set_int(asb_object_in(limits, "pids"), "limit", container->pids_limit);
	}
}

/* "NET_RAW" for "CAP_NET_RAW" and "net_raw". */
static bool create_is_capability(const char *text, const char *name)
{
	return strcasecmp(strncasecmp(text, "CAP_", 4) == 0 ? text + 4 : text, name) == 0;
}

static bool create_has_capability(const char *const *list, const char *name)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		if (create_is_capability(list[i], name) || create_is_capability(list[i], "ALL")) {
			return true;
		}
	}
	return false;
}

/* Adds and drops the capabilities that the pod names, and drops NET_RAW and MKNOD unless the pod
 * adds them: on a bridge that all pods share, raw packets can have a forged address, and device
 * nodes are dangerous where the device rules have a mistake. */
static void create_add_capabilities(struct json_object *body,
				    const struct runtime_container *container)
{
	static const char *const kept_away[] = { "MKNOD", "NET_RAW" };
	struct json_object *drop = create_array_of(container->cap_drop);

	for (size_t i = 0; i < ARRAY_LEN(kept_away); i++) {
		if (!container->privileged &&
		    !create_has_capability(container->cap_add, kept_away[i]) &&
		    !create_has_capability(container->cap_drop, kept_away[i])) {
			json_object_array_add(drop, json_object_new_string(kept_away[i]));
		}
	}
	json_object_object_add(body, "cap_drop", drop);
	if (container->cap_add != NULL) {
		json_object_object_add(body, "cap_add", create_array_of(container->cap_add));
	}
}

static void create_add_security(struct json_object *body, const struct runtime_container *container)
{
	asb_set_str(body, "user", container->user);
	if (container->groups != NULL) {
		json_object_object_add(body, "groups", create_array_of(container->groups));
	}
	create_add_capabilities(body, container);
	create_add_sysctls(body, container->sysctls);
	asb_set_str(body, "seccomp_profile_path", container->seccomp);
	create_set_flag(body, "read_only_filesystem", container->read_only_root);
	create_set_flag(body, "no_new_privileges", container->no_new_privileges);
	create_set_flag(body, "privileged", container->privileged);
}

/* A command replaces the entry point and the arguments of the image; arguments alone replace only
 * the latter. Podman drops the image's arguments where an entry point is given. */
static void create_add_command(struct json_object *body, const struct runtime_container *container)
{
	if (container->command != NULL && container->command[0] != NULL) {
		json_object_object_add(body, "entrypoint", create_array_of(container->command));
	}
	if (container->args != NULL && container->args[0] != NULL) {
		json_object_object_add(body, "command", create_array_of(container->args));
	}
	asb_set_str(body, "work_dir", container->working_dir);
	create_set_flag(body, "terminal", container->tty);
	create_set_flag(body, "stdin", container->stdin_open);
}

struct json_object *podman_create_container(const struct podman_create *create,
					    const struct runtime_pod *pod,
					    const struct runtime_container *container)
{
	CLEANUP_FREE char *name =
		podman_container_name(pod->uid, container->name, container->attempt);
	CLEANUP_FREE char *pause = podman_pause_name(pod->uid);
	CLEANUP_FREE char *attempt = xprintf("%u", container->attempt);
	struct json_object *body = create_begin(create, pod, name);
	struct json_object *labels = asb_object_in(body, "labels");
	struct json_object *log = asb_object_in(body, "log_configuration");

	asb_set_str(labels, LABEL_CONTAINER, container->name);
	asb_set_str(labels, LABEL_ATTEMPT, attempt);
	asb_set_str(body, "image", create->image);
	asb_set_str(log, "driver", "k8s-file");
	create_set_int(log, "size", (int64_t)create->log_max);
	create_set_namespace(body, "netns", "container", pause);
	if (pod->host_network) {
		create_set_namespace(body, "utsns", "host", NULL);
	}
	create_add_command(body, container);
	create_add_environment(body, container->env);
	create_add_mounts(body, create, container);
	create_add_limits(body, container);
	create_add_security(body, container);
	return body;
}
