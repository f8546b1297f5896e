/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the volumes of a pod, one by one by their types, and removes them. Called by the reconciles
 * of pods, and when a pod is gone. */
#include "config.h"

#include "node/volumes/volumes.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/json.h"
#include "base/memory.h"
#include "kube/quantity.h"
#include "node/env/objects.h"
#include "node/volumes/claims.h"
#include "node/volumes/content.h"
#include "node/volumes/files.h"
#include "node/volumes/host.h"

#define FOLDER_ONLY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/* A pod whose volumes are being made. */
struct making {
	const struct volume_source *source;
	struct json_object *pod;
	const char *ns, *uid;
	char *root;     /* without links */
	int directory;  /* pods/<uid> */
	int volumes;    /* pods/<uid>/volumes */
	gid_t group;    /* fsGroup, -1: none */
	bool on_change; /* fsGroupChangePolicy OnRootMismatch */
	struct error *reterr;
};

static void volumes_making_finish(struct making *making)
{
	free(making->root);
	cleanup_fd(&making->directory);
	cleanup_fd(&making->volumes);
}

void volume_set_finish(struct volume_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].name);
		free(set->items[i].path);
	}
	free(set->items);
	free(set->pins);
	*set = (struct volume_set){ 0 };
}

static int volumes_fail_errno(struct making *making, int code, const char *what, const char *name)
{
	return error_set(making->reterr, code == -ENOSPC || code == -EINTR ? -EAGAIN : code,
			 "%s '%s' below '%s': %s", what, name, making->root, strerror(-code));
}

/* Gives a volume to the pod's fsGroup, once for each pod: a directory next to the volumes records
 * it. */
static int volumes_own(struct making *making, const char *name, int directory)
{
	struct stat info;
	bool is_new;

	if (making->group == (gid_t)-1) {
		return 0;
	}

	CLEANUP_FD int owned = directory_make(making->directory, "owned", 0700, NULL);

	if (owned < 0) {
		return volumes_fail_errno(making, owned, "making directory", "owned");
	}
	if (faccessat(owned, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		return 0;
	}
	if (fstat(directory, &info) < 0) {
		return volumes_fail_errno(making, -errno, "reading", name);
	}
	if (!making->on_change || info.st_gid != making->group || (info.st_mode & 02070) != 02070) {
		int code = tree_chgrp(directory, making->group);

		if (code < 0) {
			return volumes_fail_errno(making, code, "giving to fsGroup the volume",
						  name);
		}
	}

	CLEANUP_FD int mark = directory_make(owned, name, 0700, &is_new);

	return mark < 0 ? volumes_fail_errno(making, mark, "making directory", name) : 0;
}

/* Has a tmpfs on the directory. *directory is opened again then. False: none may be mounted
 * here. */
static bool volumes_have_tmpfs(struct making *making, const char *name, const char *options,
			       int *directory)
{
	int mounted;

	if (is_mount(making->volumes, *directory)) {
		return true;
	}
	if (mount("tmpfs", fd_path(*directory).text, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) {
		return false;
	}
	mounted = openat(making->volumes, name, FOLDER_ONLY | O_CLOEXEC);
	if (mounted < 0) {
		return false;
	}
	cleanup_fd(directory);
	*directory = mounted;
	return true;
}

static int volumes_make_empty(struct making *making, struct json_object *spec,
			      struct volume *volume)
{
	const char *medium = asb_str(spec, "medium");
	CLEANUP_FD int directory = -1;

	volume->size = quantity_value_of(spec, "sizeLimit");
	if (medium != NULL && strcmp(medium, "") != 0 && strcmp(medium, "Memory") != 0) {
		return error_set(making->reterr, -EINVAL,
				 "this node has no emptyDir of medium '%.100s': use \"\" or Memory",
				 medium);
	}
	directory = directory_make(making->volumes, volume->name, 0777, NULL);
	if (directory < 0) {
		return volumes_fail_errno(making, directory, "making volume", volume->name);
	}
	if (medium == NULL || *medium == '\0') {
		volume->asked = volume->size;
		return volumes_own(making, volume->name, directory);
	}

	CLEANUP_BUF struct buf options = BUF_INIT(128);

	buf_append_str(&options, "mode=0777");
	if (making->group != (gid_t)-1) {
		buf_printf(&options, ",mode=02777,gid=%u", (unsigned int)making->group);
	}
	if (volume->size > 0) {
		buf_printf(&options, ",size=%" PRIu64, volume->size);
	}
	if (!volumes_have_tmpfs(making, volume->name, buf_str(&options), &directory)) {
		free(TAKE(volume->path));
	}
	return 0;
}

/* The types whose files are made here, and read only for containers. */
static int volumes_make_content(struct making *making, struct json_object *spec,
				struct volume *volume,
				int (*fill)(struct content *content, struct json_object *spec),
				bool secret)
{
	CLEANUP_FD int directory = directory_make(making->volumes, volume->name, 0755, NULL);
	struct content content = {
		.source = making->source,
		.pod = making->pod,
		.ns = making->ns,
		.mode = (mode_t)asb_int(asb_at(spec, "defaultMode"), 0644) & 0777,
		.reterr = making->reterr,
	};
	int code;

	volume->read_only = true;
	if (directory < 0) {
		return volumes_fail_errno(making, directory, "making volume", volume->name);
	}
	if (secret) {
		/* Where none may be mounted, pods/ is still closed to others by its mode. Two
		 * generations must fit. */
		volumes_have_tmpfs(making, volume->name, "mode=0755,size=80m", &directory);
	}
	if (making->group != (gid_t)-1) {
		fd_chown(directory, (uid_t)-1, making->group);
	}
	content.directory = directory;
	code = fill(&content, spec);
	if (code == 0) {
		code = payload_write(directory, &content.payload, making->group, making->reterr);
	}
	payload_finish(&content.payload);
	return code;
}

static int volumes_make_config_map(struct making *making, struct json_object *spec,
				   struct volume *volume)
{
	return volumes_make_content(making, spec, volume, content_config_map, false);
}

static int volumes_make_secret(struct making *making, struct json_object *spec,
			       struct volume *volume)
{
	return volumes_make_content(making, spec, volume, content_secret, true);
}

static int volumes_make_downward(struct making *making, struct json_object *spec,
				 struct volume *volume)
{
	return volumes_make_content(making, spec, volume, content_downward, false);
}

static int volumes_make_projected(struct making *making, struct json_object *spec,
				  struct volume *volume)
{
	return volumes_make_content(making, spec, volume, content_projected, true);
}

/* A generic ephemeral volume must be the pod's own: names can be taken before. */
static bool volumes_is_owned(struct json_object *claim, const char *uid)
{
	struct json_object *owner = asb_controller(claim, NULL);

	return asb_streq(asb_str(owner, "uid"), uid);
}

static int volumes_make_claim(struct making *making, const char *name, bool ephemeral,
			      struct volume *volume)
{
	CLEANUP_JSON struct json_object *claim = NULL;
	CLEANUP_FREE char *path = NULL;
	int code = object_get(making->source, "persistentvolumeclaims", making->ns, name, false,
			      &claim, making->reterr);

	if (code < 0) {
		return code;
	}
	if (!is_plain(name) || !is_plain(making->ns)) {
		return error_set(making->reterr, -EINVAL, "'%.200s' is not a valid claim name",
				 name);
	}
	if (asb_streq(asb_str(claim, "spec", "volumeMode"), "Block")) {
		return error_set(
			making->reterr, -EINVAL,
			"claim \"%s\" has volumeMode Block, and this node has directories only",
			name);
	}
	if (ephemeral && !volumes_is_owned(claim, making->uid)) {
		return error_set(making->reterr, -EAGAIN,
				 "persistentvolumeclaim \"%s\" was not created for the pod", name);
	}

	CLEANUP_FD int directory = claim_open(making->root, making->directory, volume->name, claim,
					      &path, &volume->taken_over, making->reterr);

	if (directory < 0) {
		return directory;
	}
	free(volume->path);
	volume->path = TAKE(path);
	volume->asked =
		quantity_value_of(asb_at(claim, "spec", "resources", "requests"), "storage");
	return volumes_own(making, volume->name, directory);
}

static int volumes_make_persistent(struct making *making, struct json_object *spec,
				   struct volume *volume)
{
	const char *name = asb_str(spec, "claimName");

	volume->read_only = asb_true(asb_at(spec, "readOnly"));
	return volumes_make_claim(making, name, false, volume);
}

static int volumes_make_ephemeral(struct making *making, struct json_object *spec,
				  struct volume *volume)
{
	CLEANUP_FREE char *name = xprintf("%s-%s", asb_name(making->pod), volume->name);

	(void)spec;
	return volumes_make_claim(making, name, true, volume);
}

static int volumes_make_host_path(struct making *making, struct json_object *spec,
				  struct volume *volume)
{
	const char *path = asb_str(spec, "path"), *type = asb_str(spec, "type");
	int code =
		host_path_check(path != NULL ? path : "", type != NULL ? type : "", making->reterr);

	if (code == 0) {
		free(volume->path);
		volume->path = xstrdup(path);
	}
	return code;
}

static const struct volume_type {
	const char *name;
	int (*make)(struct making *making, struct json_object *spec, struct volume *volume);
} types[] = {
	{ "emptyDir", volumes_make_empty },
	{ "configMap", volumes_make_config_map },
	{ "secret", volumes_make_secret },
	{ "projected", volumes_make_projected },
	{ "downwardAPI", volumes_make_downward },
	{ "persistentVolumeClaim", volumes_make_persistent },
	{ "ephemeral", volumes_make_ephemeral },
	{ "hostPath", volumes_make_host_path },
};

static const struct volume_type *volumes_find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].name, name) == 0) {
			return &types[i];
		}
	}
	return NULL;
}

static int volumes_make_one(struct making *making, struct json_object *item, struct volume *volume)
{
	const char *name = asb_str(item, "name");
	const char *type_name = "emptyDir"; /* as the API defaults it */
	const struct volume_type *type;
	int code;

	if (!is_plain(name)) {
		return error_set(making->reterr, -EINVAL, "'%.200s' is not a valid volume name",
				 name != NULL ? name : "");
	}
	json_object_object_foreach (item, key, value) {
		if (strcmp(key, "name") != 0 && value != NULL) {
			type_name = key;
		}
	}
	volume->name = xstrdup(name);
	volume->path = xprintf("%s/pods/%s/volumes/%s", making->root, making->uid, name);
	type = volumes_find_type(type_name);
	if (type == NULL) {
		code = error_set(
			making->reterr, -EINVAL,
			"this node has no volumes of type '%.100s': it has emptyDir, configMap, secret, projected, downwardAPI, persistentVolumeClaim, ephemeral and hostPath",
			type_name);
	} else {
		code = type->make(making, asb_at(item, type_name), volume);
	}
	return code == 0 ? 0
			 : error_prefix(making->reterr,
					"MountVolume.SetUp failed for volume \"%s\" ", name);
}

/* <root>/pods/<uid>/volumes, none of it for others. */
static int volumes_open_pod(struct making *making, const char *root)
{
	CLEANUP_FD int base = directory_make_path(root, 0755);
	CLEANUP_FD int pods = base < 0 ? base : directory_make(base, "pods", 0700, NULL);

	making->root = realpath(root, NULL);
	if (pods < 0 || making->root == NULL) {
		int code = pods < 0 ? pods : -errno;

		return error_set(making->reterr, code, "making directory '%s/pods': %s", root,
				 strerror(-code));
	}
	making->directory = directory_make(pods, making->uid, 0700, NULL);
	if (making->directory >= 0) {
		making->volumes = directory_make(making->directory, "volumes", 0700, NULL);
	}
	if (making->directory < 0 || making->volumes < 0) {
		int code = making->directory < 0 ? making->directory : making->volumes;

		return volumes_fail_errno(making, code, "making a directory for the volumes of pod",
					  making->uid);
	}
	return 0;
}

int volumes_make(const char *root, const struct volume_source *source, struct json_object *pod,
		 struct volume_set *ret, struct error *reterr)
{
	struct json_object *items = asb_array(pod, "spec", "volumes");
	struct json_object *security = asb_at(pod, "spec", "securityContext");
	struct error unheard = { 0 };
	CLEANUP(volumes_making_finish)
	struct making making = {
		.source = source,
		.pod = pod,
		.ns = asb_ns(pod),
		.uid = asb_uid(pod),
		.directory = -1,
		.volumes = -1,
		.group = (gid_t)asb_int(asb_at(security, "fsGroup"), -1),
		.on_change = asb_streq(asb_str(security, "fsGroupChangePolicy"), "OnRootMismatch"),
		.reterr = reterr != NULL ? reterr : &unheard,
	};
	struct volume_set set = { 0 };
	int code;

	if (!is_plain(making.uid)) {
		return error_set(reterr, -EINVAL, "the pod has no uid");
	}
	code = volumes_open_pod(&making, root);
	if (code < 0) {
		return code;
	}
	set.pins = xprintf("%s/pods/%s/subpaths", making.root, making.uid);
	set.items = xnew_array(struct volume, asb_length(items) + 1);
	for (size_t i = 0; code == 0 && i < asb_length(items); i++) {
		code = volumes_make_one(&making, json_object_array_get_idx(items, i),
					&set.items[set.count++]);
	}
	if (code == 0) {
		CLEANUP_FD int made = directory_make(making.directory, POD_MADE, 0700, NULL);

		code = made < 0 ? volumes_fail_errno(&making, made, "making directory", POD_MADE)
				: 0;
	}
	if (code < 0) {
		volume_set_finish(&set);
		return code;
	}
	*ret = set;
	return 0;
}

int volumes_remove(const char *root, const char *uid, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/pods", root);
	CLEANUP_FREE char *real = realpath(path, NULL);
	CLEANUP_FREE char *mounts = NULL;
	int code;

	if (!is_plain(uid)) {
		return error_set(reterr, -EINVAL, "'%.200s' is not a pod UID", uid);
	}
	if (real == NULL && errno == ENOENT) {
		return 0;
	}

	CLEANUP_FD int pods = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (real == NULL || pods < 0) {
		return error_set(reterr, -errno, "opening '%s': %s", path, strerror(errno));
	}
	mounts = xprintf("%s/%s", real, uid);
	code = unmount_below(mounts, reterr);
	if (code < 0) {
		return code;
	}

	CLEANUP_FD int directory = open_beneath(pods, uid, FOLDER_ONLY, 0, RESOLVE_NO_XDEV);

	code = directory == -ENOENT ? 0
	       : directory < 0      ? directory
				    : volumes_tree_remove(directory);
	if (code == 0 && unlinkat(pods, uid, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		code = -errno;
	}
	return code == 0 ? 0
			 : error_set(reterr, code == -EBUSY || code == -ENOTEMPTY ? -EAGAIN : code,
				     "removing '%s': %s", mounts, strerror(-code));
}

int volumes_list(const char *root, char ***ret_uids, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/pods", root);
	CLEANUP_FD int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **uids = xnew(char *), **names = NULL;
	size_t count = 0;
	int code = directory < 0 ? -errno : directory_names(directory, &names);

	if (code < 0 && code != -ENOENT) {
		free(uids);
		return error_set(reterr, code, "reading '%s': %s", path, strerror(-code));
	}
	for (char **at = names; at != NULL && *at != NULL; at++) {
		if (is_plain(*at)) {
			uids = xrealloc(uids, (count + 2) * sizeof(*uids));
			uids[count++] = TAKE(*at);
			uids[count] = NULL;
			*at = xstrdup("");
		}
	}
	names_finish(names);
	*ret_uids = uids;
	return 0;
}
