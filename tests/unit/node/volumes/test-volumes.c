/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/volumes/volumes.h: volumes are made, brought up to date and removed. */
#include "config.h"

#include "node/volumes/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/unit/node/node-files.h"
#include "tests/unit/node/node-objects.h"

#define OBJECTS                                                                                                 \
	"{\"configmaps/ns/cm\":{\"metadata\":{\"name\":\"cm\"},"                                                \
	"\"data\":{\"a\":\"1\",\"b\":\"2\"},\"binaryData\":{\"bin\":\"AAEC\"}},"                                \
	"\"secrets/ns/s\":{\"metadata\":{\"name\":\"s\"},\"data\":{\"key\":\"aHVudGVyMg==\"}},"                 \
	"\"persistentvolumeclaims/ns/claim\":{\"metadata\":{\"name\":\"claim\","                                \
	"\"namespace\":\"ns\",\"uid\":\"c-1\"},\"spec\":{}},"                                                   \
	"\"persistentvolumeclaims/ns/block\":{\"metadata\":{\"name\":\"block\"},"                               \
	"\"spec\":{\"volumeMode\":\"Block\"}},"                                                                 \
	"\"persistentvolumeclaims/ns/"                                                                          \
	"p-mine\":{\"metadata\":{\"name\":\"p-mine\",\"namespace\":\"ns\",\"uid\":\"c-2\",\"ownerReferences\":" \
	"[{\"uid\":\"u-1\",\"controller\":true}]},\"spec\":{}},"                                                \
	"\"persistentvolumeclaims/ns/p-other\":{\"metadata\":{\"name\":\"p-other\"},\"spec\":{}}}"

struct fixture {
	char *root;
	struct node_objects objects;
	struct volume_source source;
	struct json_object *pod;
	struct volume_set set;
	struct error error;
};

static int set_up(void **state)
{
	struct fixture *fixture = xnew(struct fixture);

	fixture->root = files_temporary();
	fixture->objects.objects = node_json(OBJECTS);
	fixture->source = node_objects_source(&fixture->objects);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	int code = volumes_remove(fixture->root, "u-1", &fixture->error);

	if (code < 0) {
		print_error("%s\n", fixture->error.text);
	}
	volume_set_finish(&fixture->set);
	json_object_put(fixture->objects.objects);
	json_object_put(fixture->pod);
	files_remove(fixture->root);
	free(fixture->root);
	free(fixture);
	return code;
}

/* Makes the volumes of a pod; extra is more of its spec. */
static int make(struct fixture *fixture, const char *volumes, const char *extra)
{
	CLEANUP_FREE char *text = xprintf(
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u-1\",\"labels\":{\"app\":\"x\"}},\"spec\":{\"volumes\":[%s],\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"memory\":\"64Mi\"}}}]%s}}",
		volumes, extra);

	json_object_put(fixture->pod);
	fixture->pod = node_json(text);
	volume_set_finish(&fixture->set);
	fixture->error = (struct error){ 0 };
	return volumes_make(fixture->root, &fixture->source, fixture->pod, &fixture->set,
			    &fixture->error);
}

static void make_well(struct fixture *fixture, const char *volumes, const char *extra)
{
	if (make(fixture, volumes, extra) < 0) {
		fail_msg("%s", fixture->error.text);
	}
}

static void make_badly(struct fixture *fixture, const char *volumes, int code, const char *text)
{
	assert_int_equal(make(fixture, volumes, ""), code);
	if (strstr(fixture->error.text, text) == NULL) {
		fail_msg("'%s' is not in '%s'", text, fixture->error.text);
	}
}

static void set_object(struct fixture *fixture, const char *key, const char *text)
{
	json_object_object_del(fixture->objects.objects, key);
	if (text != NULL) {
		json_object_object_add(fixture->objects.objects, key, node_json(text));
	}
}

static void expect_file(struct fixture *fixture, const char *name, const char *content)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", fixture->set.items[0].path, name);

	files_expect(path, content);
}

static mode_t mode_of(struct fixture *fixture, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", fixture->set.items[0].path, name);
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static void an_empty_dir_is_open_to_all_inside_and_to_nobody_outside(void **state)
{
	struct fixture *fixture = *state;
	struct stat info;
	CLEANUP_FREE char *pods = xprintf("%s/pods", fixture->root);

	make_well(fixture, "{\"name\":\"v\",\"emptyDir\":{\"sizeLimit\":\"1Mi\"}}", "");
	assert_int_equal(fixture->set.count, 1);
	assert_string_equal(fixture->set.items[0].name, "v");
	assert_int_equal(fixture->set.items[0].size, 1 << 20);
	assert_false(fixture->set.items[0].read_only);
	assert_int_equal(mode_of(fixture, "."), 0777);
	assert_int_equal(stat(pods, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	/* A look at the pod later changes nothing. */
	files_write(fixture->set.items[0].path, "kept", "x");
	make_well(fixture, "{\"name\":\"v\",\"emptyDir\":{}}", "");
	expect_file(fixture, "kept", "x");
	make_well(fixture, "{\"name\":\"v\"}", "");
}

static void memory_is_a_tmpfs_of_the_pod_or_of_each_container(void **state)
{
	struct fixture *fixture = *state;

	make_well(fixture,
		  "{\"name\":\"v\",\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"1Mi\"}}",
		  "");
	assert_int_equal(fixture->set.items[0].size, 1 << 20);
	if (!files_may_mount()) {
		assert_null(fixture->set.items[0].path);
		return;
	}
	assert_true(files_is_tmpfs(fixture->set.items[0].path));
	files_write(fixture->set.items[0].path, "kept", "x");
	make_well(fixture, "{\"name\":\"v\",\"emptyDir\":{\"medium\":\"Memory\"}}", "");
	expect_file(fixture, "kept", "x");
	make_badly(fixture, "{\"name\":\"w\",\"emptyDir\":{\"medium\":\"HugePages\"}}", -EINVAL,
		   "medium 'HugePages'");
}

static void config_maps_change_all_at_once(void **state)
{
	struct fixture *fixture = *state;
	static const char volume[] = "{\"name\":\"v\",\"configMap\":{\"name\":\"cm\"}}";
	char first[64] = { 0 }, second[64] = { 0 };

	make_well(fixture, volume, "");
	assert_true(fixture->set.items[0].read_only);
	expect_file(fixture, "a", "1");
	expect_file(fixture, "b", "2");
	assert_int_equal(mode_of(fixture, "a"), 0644);
	files_expect_bytes(fixture->set.items[0].path, "bin", "\0\1\2", 3);
	files_link(fixture->set.items[0].path, "..data", first);
	make_well(fixture, volume, "");
	files_link(fixture->set.items[0].path, "..data", second);
	assert_string_equal(first, second);

	set_object(fixture, "configmaps/ns/cm",
		   "{\"metadata\":{\"name\":\"cm\"},\"data\":{\"a\":\"new\",\"c\":\"3\"}}");
	make_well(fixture, volume, "");
	expect_file(fixture, "a", "new");
	expect_file(fixture, "c", "3");
	expect_file(fixture, "b", NULL);
	files_link(fixture->set.items[0].path, "..data", second);
	assert_string_not_equal(first, second);
	/* a, c, ..data and its directory: nothing old stays. */
	assert_int_equal(files_count(fixture->set.items[0].path), 4);
}

static void what_a_crash_left_is_put_right(void **state)
{
	struct fixture *fixture = *state;
	static const char volume[] = "{\"name\":\"v\",\"configMap\":{\"name\":\"cm\"}}";
	char data[64] = { 0 };

	make_well(fixture, volume, "");
	files_link(fixture->set.items[0].path, "..data", data);

	CLEANUP_FREE char *path = xstrdup(fixture->set.items[0].path);
	CLEANUP_FREE char *link = xprintf("%s/..data", path);
	CLEANUP_FREE char *visible = xprintf("%s/a", path);

	/* The directory is written, half, and the links are not there yet. */
	assert_int_equal(unlink(link), 0);
	assert_int_equal(unlink(visible), 0);
	files_write(path, "..tmp", "x");
	files_write(path, "..0123", "x");
	make_well(fixture, volume, "");
	expect_file(fixture, "a", "1");
	assert_int_equal(files_count(path), 5);
}

static void items_choose_keys_paths_and_modes(void **state)
{
	struct fixture *fixture = *state;

	make_well(
		fixture,
		"{\"name\":\"v\",\"configMap\":{\"name\":\"cm\",\"defaultMode\":256,\"items\":[{\"key\":\"a\",\"path\":\"deep/er/a.txt\"},{\"key\":\"b\",\"path\":\"b\",\"mode\":493}]}}",
		"");
	expect_file(fixture, "deep/er/a.txt", "1");
	assert_int_equal(mode_of(fixture, "deep/er/a.txt"), 0400);
	assert_int_equal(mode_of(fixture, "b"), 0755);
	expect_file(fixture, "a", NULL);
	make_badly(
		fixture,
		"{\"name\":\"v\",\"configMap\":{\"name\":\"cm\",\"items\":[{\"key\":\"zz\",\"path\":\"zz\"}]}}",
		-EAGAIN,
		"MountVolume.SetUp failed for volume \"v\" : references non-existent config key: zz");
	make_badly(
		fixture,
		"{\"name\":\"v\",\"configMap\":{\"name\":\"cm\",\"items\":[{\"key\":\"a\",\"path\":\"../../x\"}]}}",
		-EINVAL, "'..'");
	make_badly(
		fixture,
		"{\"name\":\"v\",\"configMap\":{\"name\":\"cm\",\"items\":[{\"key\":\"a\",\"path\":\"x\"},{\"key\":\"b\",\"path\":\"x/y\"}]}}",
		-EINVAL, "a file and a directory at once");
}

static void optional_sources_may_be_missing(void **state)
{
	struct fixture *fixture = *state;

	make_badly(fixture, "{\"name\":\"v\",\"configMap\":{\"name\":\"none\"}}", -EAGAIN,
		   "MountVolume.SetUp failed for volume \"v\" : configmap \"none\" not found");
	make_badly(fixture, "{\"name\":\"v\",\"secret\":{\"secretName\":\"none\"}}", -EAGAIN,
		   "secret \"none\" not found");
	make_well(fixture, "{\"name\":\"v\",\"configMap\":{\"name\":\"none\",\"optional\":true}}",
		  "");
	expect_file(fixture, "a", NULL);
	set_object(fixture, "configmaps/ns/none",
		   "{\"metadata\":{\"name\":\"none\"},\"data\":{\"a\":\"came\"}}");
	make_well(fixture, "{\"name\":\"v\",\"configMap\":{\"name\":\"none\",\"optional\":true}}",
		  "");
	expect_file(fixture, "a", "came");
}

static void secrets_are_decoded_and_lie_in_memory(void **state)
{
	struct fixture *fixture = *state;

	make_well(fixture, "{\"name\":\"v\",\"secret\":{\"secretName\":\"s\"}}", "");
	expect_file(fixture, "key", "hunter2");
	if (files_may_mount()) {
		assert_true(files_is_tmpfs(fixture->set.items[0].path));
	}
	set_object(fixture, "secrets/ns/s",
		   "{\"metadata\":{\"name\":\"s\"},\"data\":{\"key\":\"hunter2!\"}}");
	make_badly(fixture, "{\"name\":\"v\",\"secret\":{\"secretName\":\"s\"}}", -EAGAIN,
		   "is not valid base64");
	assert_null(strstr(fixture->error.text, "hunter2"));
}

static void downward_files_hold_fields_and_resources(void **state)
{
	struct fixture *fixture = *state;

	make_well(
		fixture,
		"{\"name\":\"v\",\"downwardAPI\":{\"items\":[{\"path\":\"labels\",\"fieldRef\":{\"fieldPath\":\"metadata.labels\"}},{\"path\":\"name\",\"mode\":292,\"fieldRef\":{\"fieldPath\":\"metadata.name\"}},"
		"{\"path\":\"mem\",\"resourceFieldRef\":{\"containerName\":\"c\",\"resource\":\"limits.memory\",\"divisor\":\"1Mi\"}}]}}",
		"");
	expect_file(fixture, "labels", "app=\"x\"");
	expect_file(fixture, "name", "p");
	expect_file(fixture, "mem", "64");
	assert_int_equal(mode_of(fixture, "name"), 0444);
	make_badly(
		fixture,
		"{\"name\":\"v\",\"downwardAPI\":{\"items\":[{\"path\":\"ip\",\"fieldRef\":{\"fieldPath\":\"status.podIP\"}}]}}",
		-EINVAL, "unsupported fieldPath: status.podIP");
}

#define TOKEN_VOLUME                                                               \
	"{\"name\":\"v\",\"projected\":{\"sources\":["                             \
	"{\"serviceAccountToken\":{\"path\":\"token\",\"audience\":\"me\","        \
	"\"expirationSeconds\":1000}},{\"configMap\":{\"name\":\"cm\",\"items\":[" \
	"{\"key\":\"a\",\"path\":\"ca.crt\"}]}},{\"secret\":{\"name\":\"s\"}},"    \
	"{\"downwardAPI\":{\"items\":[{\"path\":\"namespace\",\"fieldRef\":"       \
	"{\"fieldPath\":\"metadata.namespace\"}}]}}]}}"

/* Makes the token look as old as that. */
static void age(struct fixture *fixture, time_t seconds)
{
	CLEANUP_FREE char *path = xprintf("%s/token", fixture->set.items[0].path);
	struct stat info;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	assert_int_equal(stat(path, &info), 0);
	times[1].tv_sec = info.st_mtim.tv_sec - seconds;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void tokens_are_kept_until_most_of_their_life_is_over(void **state)
{
	struct fixture *fixture = *state;

	make_well(fixture, TOKEN_VOLUME, "");
	expect_file(fixture, "token", "token-1-me-1000");
	expect_file(fixture, "ca.crt", "1");
	expect_file(fixture, "key", "hunter2");
	expect_file(fixture, "namespace", "ns");
	make_well(fixture, TOKEN_VOLUME, "");
	expect_file(fixture, "token", "token-1-me-1000");
	/* What changes beside it does not make it younger. */
	age(fixture, 700);
	set_object(fixture, "configmaps/ns/cm",
		   "{\"metadata\":{\"name\":\"cm\"},\"data\":{\"a\":\"new\"}}");
	make_well(fixture, TOKEN_VOLUME, "");
	expect_file(fixture, "ca.crt", "new");
	expect_file(fixture, "token", "token-1-me-1000");
	age(fixture, 110);
	make_well(fixture, TOKEN_VOLUME, "");
	expect_file(fixture, "token", "token-2-me-1000");
}

static void an_old_token_is_better_than_none(void **state)
{
	struct fixture *fixture = *state;

	make_well(fixture, TOKEN_VOLUME, "");
	fixture->objects.token_error = -EAGAIN;
	age(fixture, 900);
	make_well(fixture, TOKEN_VOLUME, "");
	expect_file(fixture, "token", "token-1-me-1000");
	age(fixture, 200);
	make_badly(fixture, TOKEN_VOLUME, -EAGAIN, "failed to fetch token: as the test wants");
	fixture->source.token = NULL;
	make_badly(fixture, TOKEN_VOLUME, -EINVAL, "makes no tokens");
}

static void claims_outlast_their_pods(void **state)
{
	struct fixture *fixture = *state;
	static const char volume[] =
		"{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"claim\",\"readOnly\":true}}";

	make_well(fixture, volume, "");
	assert_true(fixture->set.items[0].read_only);
	files_write(fixture->set.items[0].path, "kept", "x");
	assert_int_equal(volumes_remove(fixture->root, "u-1", NULL), 0);
	make_well(fixture, volume, "");
	expect_file(fixture, "kept", "x");
	make_badly(fixture, "{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"none\"}}",
		   -EAGAIN, "persistentvolumeclaim \"none\" not found");
	make_badly(fixture, "{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"block\"}}",
		   -EINVAL, "volumeMode Block");
}

static void an_ephemeral_claim_must_be_the_pods_own(void **state)
{
	struct fixture *fixture = *state;

	make_well(fixture, "{\"name\":\"mine\",\"ephemeral\":{\"volumeClaimTemplate\":{}}}", "");
	make_badly(fixture, "{\"name\":\"other\",\"ephemeral\":{\"volumeClaimTemplate\":{}}}",
		   -EAGAIN, "was not created for the pod");
}

static void host_paths_are_of_the_type_they_say(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *path, *type;
		int code;
	} cases[] = {
		{ "folder", "Directory", -EAGAIN },
		{ "folder", "DirectoryOrCreate", 0 },
		{ "folder", "Directory", 0 },
		{ "folder", "File", -EAGAIN },
		{ "folder", "", 0 },
		{ "file", "File", -EAGAIN },
		{ "file", "FileOrCreate", 0 },
		{ "file", "File", 0 },
		{ "file", "Socket", -EAGAIN },
		{ "file", "CharDevice", -EAGAIN },
		{ "file", "BlockDevice", -EAGAIN },
		{ "file", "Nonsense", -EINVAL },
		{ "../file", "File", -EINVAL },
		{ "new/er", "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *volume = xprintf(
			"{\"name\":\"v\",\"hostPath\":{\"path\":\"%s/%s\",\"type\":\"%s\"}}",
			fixture->root, cases[i].path, cases[i].type);

		if (make(fixture, volume, "") != cases[i].code) {
			fail_msg("%s %s: %s", cases[i].path, cases[i].type, fixture->error.text);
		}
	}
	make_well(fixture,
		  "{\"name\":\"v\",\"hostPath\":{\"path\":\"/dev/null\",\"type\":\"CharDevice\"}}",
		  "");
	make_badly(fixture, "{\"name\":\"v\",\"hostPath\":{\"path\":\"relative\"}}", -EINVAL,
		   "absolute");
}

static void other_types_are_named(void **state)
{
	struct fixture *fixture = *state;

	make_badly(fixture, "{\"name\":\"v\",\"nfs\":{\"server\":\"x\"}}", -EINVAL,
		   "no volumes of type 'nfs'");
	make_badly(fixture, "{\"name\":\"../v\",\"emptyDir\":{}}", -EINVAL,
		   "not a valid volume name");
	make_badly(fixture,
		   "{\"name\":\"v\",\"projected\":{\"sources\":[{\"clusterTrustBundle\":{}}]}}",
		   -EINVAL, "projects configMap");
}

static void a_group_gets_its_volumes_once(void **state)
{
	struct fixture *fixture = *state;
	static const char volume[] =
		"{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"claim\"}}";
	static const char group[] = ",\"securityContext\":{\"fsGroup\":4242}";
	struct stat info;

	if (geteuid() != 0) {
		print_message("skipped: only root may give files to a group that it is not in\n");
		skip();
	}
	make_well(fixture, volume, "");
	CLEANUP_FREE char *path = xstrdup(fixture->set.items[0].path);
	CLEANUP_FREE char *deep = xprintf("%s/deep", path);
	CLEANUP_FREE char *link = xprintf("%s/link", path);
	CLEANUP_FREE char *outside = xprintf("%s/outside", fixture->root);

	files_write(fixture->root, "outside", "x");
	assert_int_equal(mkdir(deep, 0700), 0);
	files_write(deep, "file", "x");
	assert_int_equal(symlink(outside, link), 0);
	make_well(fixture, volume, group);
	assert_int_equal(stat(deep, &info), 0);
	assert_int_equal(info.st_gid, 4242);
	assert_int_equal(info.st_mode & 07777, 02770);
	assert_int_equal(mode_of(fixture, "deep/file"), 0664);
	assert_int_equal(mode_of(fixture, "."), 02777);
	/* What a link points to is not the volume's. */
	assert_int_equal(stat(outside, &info), 0);
	assert_int_equal(info.st_gid, 0);
	/* Not at each look at the pod. */
	assert_int_equal(chmod(deep, 0700), 0);
	make_well(fixture, volume, group);
	assert_int_equal(mode_of(fixture, "deep"), 0700);

	make_well(fixture, "{\"name\":\"s\",\"secret\":{\"secretName\":\"s\",\"defaultMode\":256}}",
		  group);
	assert_int_equal(mode_of(fixture, "key"), 0440);
}

static void pods_with_volumes_are_listed(void **state)
{
	struct fixture *fixture = *state;
	char **uids = NULL;

	assert_int_equal(volumes_list(fixture->root, &uids, NULL), 0);
	assert_null(uids[0]);
	free(uids);
	make_well(fixture, "{\"name\":\"v\",\"emptyDir\":{}}", "");
	assert_int_equal(volumes_list(fixture->root, &uids, NULL), 0);
	assert_string_equal(uids[0], "u-1");
	assert_null(uids[1]);
	free(uids[0]);
	free(uids);
	assert_int_equal(volumes_remove(fixture->root, "u-1", NULL), 0);
	assert_int_equal(volumes_remove(fixture->root, "u-1", NULL), 0);
	assert_int_equal(volumes_remove(fixture->root, "../x", NULL), -EINVAL);
	assert_int_equal(volumes_list(fixture->root, &uids, NULL), 0);
	assert_null(uids[0]);
	free(uids);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_dir_is_open_to_all_inside_and_to_nobody_outside),
		CASE(memory_is_a_tmpfs_of_the_pod_or_of_each_container),
		CASE(config_maps_change_all_at_once),
		CASE(what_a_crash_left_is_put_right),
		CASE(items_choose_keys_paths_and_modes),
		CASE(optional_sources_may_be_missing),
		CASE(secrets_are_decoded_and_lie_in_memory),
		CASE(downward_files_hold_fields_and_resources),
		CASE(tokens_are_kept_until_most_of_their_life_is_over),
		CASE(an_old_token_is_better_than_none),
		CASE(claims_outlast_their_pods),
		CASE(an_ephemeral_claim_must_be_the_pods_own),
		CASE(host_paths_are_of_the_type_they_say),
		CASE(other_types_are_named),
		CASE(a_group_gets_its_volumes_once),
		CASE(pods_with_volumes_are_listed),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
