/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Specs of pods: whatever one says, the node's plan, status and the requests for Podman are made
 * without crashing, and no container gets more than its pod may have. How to build it: fuzz.h, with
 * node/[a-z]*.c but main.c, and what libcore has. The input is a pod's spec as JSON; its member
 * "imageUser" is the USER of every image. Nothing is run; volumes are directories in one temporary
 * directory, with links in them as a guest might plant them.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/env/env.h"
#include "node/pod/scheduler.h"
#include "node/pod/plan.h"
#include "node/pod/security.h"
#include "node/pod/spec.h"
#include "node/pod/status.h"
#include "node/podman/create.h"
#include "node/podman/user.h"
#include "node/probes/spec.h"
#include "node/volumes/files.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS INT64_C(1700000000000)
#define VOLUMES_MAX 8u /* made for one input */
#define HOSTS "/state/pods/u/etc/hosts"

const char fuzz_corpus[] = "pod-spec";

/* ---- the world ---- */

struct world {
	char root[PATH_MAX]; /* without links */
	struct volume_set set;
	struct json_object *pod, *spec;
	const char *image_user;
};

static int get(void *arg UNUSED, const char *resource, const char *ns UNUSED, const char *name,
	       struct json_object **ret, struct error *reterr)
{
	static const char text[] =
		"{\"metadata\":{\"name\":\"x\"},\"data\":{\"a\":\"YQ==\",\"PATH\":\"YQ==\",\"b\":\"not base64\"}}";

	if (name[0] == '-' || strcmp(resource, "persistentvolumeclaims") == 0) {
		return error_set(reterr, -ENOENT, "none");
	}
	*ret = json_parse(text, strlen(text), NULL);
	return 0;
}

/* One directory, with what a guest plants: links out of it, up, in a loop, and a file. */
static void world_add_volume(struct world *world, const char *name)
{
	struct volume *volume = &world->set.items[world->set.count];
	CLEANUP_FREE char *path = xprintf("%s/volumes/%s", world->root, name);
	CLEANUP_FD int directory = directory_make_path(path, 0700);

	FUZZ_CHECK(directory >= 0);
	(void)!symlinkat("/", directory, "root");
	(void)!symlinkat("../..", directory, "up");
	(void)!symlinkat("loop", directory, "loop");
	(void)!symlinkat(world->root, directory, "state");
	(void)!symlinkat("d", directory, "in");
	(void)!mkdirat(directory, "d", 0700);
	*volume = (struct volume){ .name = xstrdup(name), .path = TAKE(path) };
	world->set.count++;
}

static void world_add_volumes(struct world *world)
{
	struct json_object *items = asb_array(world->spec, "volumes");

	world->set.items = xnew_array(struct volume, VOLUMES_MAX + 1);
	for (size_t i = 0; i < asb_length(items) && world->set.count < VOLUMES_MAX; i++) {
		const char *name = asb_str(json_object_array_get_idx(items, i), "name");

		if (is_plain(name)) {
			world_add_volume(world, name);
		}
	}
}

static void world_begin(struct world *world, struct json_object *spec)
{
	const char *tmp = getenv("TMPDIR");
	CLEANUP_FREE char *pattern = xprintf("%s/asb-fuzz-pod-XXXXXX", tmp != NULL ? tmp : "/tmp");

	*world = (struct world){ .spec = spec, .pod = json_object_new_object() };
	FUZZ_CHECK(mkdtemp(pattern) != NULL && realpath(pattern, world->root) != NULL);
	asb_set_str(asb_object_in(world->pod, "metadata"), "name", "p");
	asb_set_str(asb_object_in(world->pod, "metadata"), "namespace", "ns");
	asb_set_str(asb_object_in(world->pod, "metadata"), "uid", "u");
	json_object_object_add(world->pod, "spec", json_object_get(spec));
	world->image_user = asb_str(spec, "imageUser");
	world_add_volumes(world);
}

static void world_end(struct world *world)
{
	CLEANUP_FD int directory = open(world->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	volume_set_finish(&world->set);
	json_object_put(world->pod);
	FUZZ_CHECK(directory >= 0 && volumes_tree_remove(directory) == 0 &&
		   rmdir(world->root) == 0);
}

/* ---- promises ---- */

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

/* Of a volume of this pod, whatever links there are; or the file that the node wrote. */
static void check_mount(const struct world *world, struct json_object *mount)
{
	const char *source = asb_str(mount, "source");
	CLEANUP_FREE char *volumes = xprintf("%s/volumes", world->root);
	char real[PATH_MAX];

	FUZZ_CHECK(source != NULL);
	if (asb_streq(asb_str(mount, "type"), "tmpfs") || strcmp(source, HOSTS) == 0) {
		return;
	}
	FUZZ_CHECK(asb_streq(asb_str(mount, "type"), "bind"));
	FUZZ_CHECK(is_below(source, volumes));
	FUZZ_CHECK(realpath(source, real) != NULL && is_below(real, volumes));
}

static bool names(struct json_object *list, const char *name)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		const char *text = asb_as_str(json_object_array_get_idx(list, i));

		if (text != NULL && strncasecmp(text, "CAP_", 4) == 0) {
			text += 4;
		}
		if (text != NULL && (strcasecmp(text, name) == 0 || strcasecmp(text, "ALL") == 0)) {
			return true;
		}
	}
	return false;
}

static void check_capabilities(struct json_object *container, struct json_object *body)
{
	struct json_object *add = asb_at(container, "securityContext", "capabilities", "add");
	bool privileged = asb_true(asb_at(container, "securityContext", "privileged"));

	FUZZ_CHECK(asb_true(asb_at(body, "privileged")) == privileged);
	FUZZ_CHECK(privileged || names(asb_at(body, "cap_drop"), "NET_RAW") ||
		   names(add, "NET_RAW"));
	FUZZ_CHECK(privileged || names(asb_at(body, "cap_drop"), "MKNOD") || names(add, "MKNOD"));
}

static void check_body(const struct world *world, struct json_object *container,
		       const struct runtime_container *wanted, struct json_object *body)
{
	struct json_object *mounts = asb_array(body, "mounts");
	const char *profile = asb_str(body, "seccomp_profile_path");
	CLEANUP_FREE char *profiles = xprintf("%s/seccomp", world->root);
	CLEANUP_BUF struct buf text = BUF_INIT(64u << 20);

	for (size_t i = 0; i < asb_length(mounts); i++) {
		check_mount(world, json_object_array_get_idx(mounts, i));
	}
	check_capabilities(container, body);
	FUZZ_CHECK(profile == NULL || strcmp(profile, "unconfined") == 0 ||
		   is_below(profile, profiles));
	FUZZ_CHECK(asb_streq(asb_str(body, "netns", "nsmode"), "container"));
	FUZZ_CHECK(asb_streq(asb_str(body, "netns", "value"), "asb-u"));
	FUZZ_CHECK(asb_at(body, "pidns") == NULL && asb_at(body, "userns") == NULL &&
		   asb_at(body, "devices") == NULL);
	if (wanted->non_root) {
		const char *user = asb_str(body, "user");

		FUZZ_CHECK(user != NULL && strspn(user, "0123456789") > 0);
		FUZZ_CHECK(strspn(user, "0") < strspn(user, "0123456789"));
		FUZZ_CHECK(user[strspn(user, "0123456789")] == '\0' ||
			   user[strspn(user, "0123456789")] == ':');
	}
	FUZZ_CHECK(json_print(body, &text) == 0);
}

/* ---- one container ---- */

static const char *const no_texts[] = { NULL };

/* As podman-container.c does it. False: it is refused. */
static bool may_start(const struct world *world, struct runtime_container *container)
{
	const char *user = container->user;

	if (!container->non_root) {
		return true;
	}
	if (user == NULL) {
		user = world->image_user != NULL ? world->image_user : "";
	}
	if (user_check_non_root(user, container->user == NULL, NULL) < 0) {
		return false;
	}
	container->user = user;
	return true;
}

static void create(const struct world *world, struct json_object *container,
		   struct container_spec *spec)
{
	static const struct runtime_mount hosts = { .source = HOSTS, .target = "/etc/hosts" };
	const struct podman_create create = { .label = "n@/state",
					      .handler = "runc",
					      .image = "localhost/x:1",
					      .root = "/state/pause",
					      .network = "net",
					      .files = &hosts,
					      .file_count = 1,
					      .log_max = 1000 };
	char **network = NULL, **own = NULL;

	if (sysctls_read(world->pod, &network, &own, NULL) == 0) {
		const struct runtime_pod pod = { .ns = "ns",
						 .name = "p",
						 .uid = "u",
						 .hostname = "p",
						 .sysctls = (const char *const *)network };
		CLEANUP_JSON struct json_object *pause = podman_create_pause(&create, &pod);

		spec->container.sysctls = (const char *const *)own;
		if (may_start(world, &spec->container)) {
			CLEANUP_JSON struct json_object *body =
				podman_create_container(&create, &pod, &spec->container);

			check_body(world, container, &spec->container, body);
		}
		FUZZ_CHECK(asb_streq(asb_str(pause, "rootfs"), "/state/pause"));
	}
	names_finish(network);
	names_finish(own);
}

static void try_container(const struct world *world, struct json_object *container)
{
	const struct volume_source source = { .get = get };
	const struct env_facts facts = { .pod_ip = "192.0.2.1",
					 .host_ip = "192.0.2.2",
					 .node_name = "n" };
	char **env = NULL, **command = NULL, **args = NULL, *profile = NULL;
	struct runtime_mount *mounts = NULL;
	struct container_spec spec;
	struct error error = { 0 };
	size_t count = 0;

	container_spec_make(world->pod, container, &spec);
	if (spec.container.name == NULL || spec.container.image == NULL ||
	    env_make(world->pod, container, &facts, &source, &env, &error) < 0) {
		return;
	}
	command = env_expand(asb_at(container, "command"), (const char *const *)env);
	args = env_expand(asb_at(container, "args"), (const char *const *)env);
	if (volumes_mounts(&world->set, container, (const char *const *)env, &mounts, &count,
			   &error) == 0 &&
	    seccomp_read(world->root, world->pod, container, &profile, &error) == 0) {
		spec.container.env = (const char *const *)env;
		spec.container.command = (const char *const *)command;
		spec.container.args = args != NULL ? (const char *const *)args : no_texts;
		spec.container.mounts = mounts;
		spec.container.mount_count = count;
		spec.container.seccomp = profile;
		create(world, container, &spec);
	}
	mounts_finish(mounts, count);
	strings_finish(env);
	strings_finish(command);
	strings_finish(args);
	free(profile);
}

static void try_probes(struct json_object *container)
{
	static const char *const kinds[] = { "livenessProbe", "readinessProbe", "startupProbe" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct probe_spec spec;

		probe_spec_init(&spec, container, asb_at(container, kinds[i]), "192.0.2.1");
		probe_spec_finish(&spec);
	}
}

static void try_containers(const struct world *world, const char *list)
{
	struct json_object *items = asb_array(world->spec, list);

	for (size_t i = 0; i < asb_length(items) && i < 16; i++) {
		struct json_object *container = json_object_array_get_idx(items, i);

		if (json_object_is_type(container, json_type_object)) {
			try_container(world, container);
			try_probes(container);
		}
	}
}

/* ---- the pod ---- */

static void try_view(struct json_object *pod)
{
	const struct status_facts facts = { .runtime = "test", .host_ip = "192.0.2.2" };
	struct runtime_list list = { 0 };
	struct node_capacity asked;
	struct pod_view view = { 0 };
	struct plan plan;

	scheduler_requests(pod, &asked);
	if (pod_view_init(&view, pod, &list, NOW_MS) == 0) {
		CLEANUP_JSON struct json_object *status = NULL;

		plan_make(&view, &plan);
		status = status_make(&view, &facts);
		FUZZ_CHECK(status != NULL);
	}
	pod_view_finish(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JSON struct json_object *spec = json_parse((const char *)data, size, NULL);
	struct world world;

	if (!json_object_is_type(spec, json_type_object)) {
		return 0;
	}
	world_begin(&world, spec);
	try_view(world.pod);
	try_containers(&world, "containers");
	try_containers(&world, "initContainers");
	world_end(&world);
	return 0;
}
