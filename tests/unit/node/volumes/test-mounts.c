/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of volumes_mounts: what a container gets, and that no subPath leads out of its volume. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/volumes/volumes.h"
#include "tests/unit/node/node-files.h"
#include "tests/unit/node/node-objects.h"

static const char *const env[] = { "POD=p-0", "UP=../..", NULL };

struct fixture {
	char *root;
	struct node_objects objects;
	struct json_object *pod;
	struct volume_set set;
	struct runtime_mount *mounts;
	size_t count;
	struct error error;
};

static int set_up(void **state)
{
	struct fixture *fixture = xnew(struct fixture);

	fixture->root = files_temporary();
	fixture->objects.objects = node_json(
		"{\"configmaps/ns/cm\":{\"metadata\":{\"name\":\"cm\"},\"data\":{\"a\":\"1\"}}}");
	fixture->pod = node_json(
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\"},\"spec\":{\"volumes\":[{\"name\":\"data\",\"emptyDir\":{}},{\"name\":\"cm\",\"configMap\":{\"name\":\"cm\"}}]}}");

	const struct volume_source source = node_objects_source(&fixture->objects);

	assert_int_equal(
		volumes_make(fixture->root, &source, fixture->pod, &fixture->set, &fixture->error),
		0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	int code = volumes_remove(fixture->root, "u", NULL);

	mounts_finish(fixture->mounts, fixture->count);
	volume_set_finish(&fixture->set);
	json_object_put(fixture->objects.objects);
	json_object_put(fixture->pod);
	files_remove(fixture->root);
	free(fixture->root);
	free(fixture);
	return code;
}

static int mounts(struct fixture *fixture, const char *list)
{
	CLEANUP_FREE char *text = xprintf("{\"name\":\"c\",\"volumeMounts\":[%s]}", list);
	CLEANUP_JSON struct json_object *container = node_json(text);

	mounts_finish(fixture->mounts, fixture->count);
	fixture->mounts = NULL;
	fixture->count = 0;
	return volumes_mounts(&fixture->set, container, env, &fixture->mounts, &fixture->count,
			      &fixture->error);
}

static void mounts_well(struct fixture *fixture, const char *list)
{
	if (mounts(fixture, list) < 0) {
		fail_msg("%s", fixture->error.text);
	}
}

static void mounts_badly(struct fixture *fixture, const char *list, int code, const char *text)
{
	if (mounts(fixture, list) != code || strstr(fixture->error.text, text) == NULL) {
		fail_msg("%s: '%s' is not in '%s'", list, text, fixture->error.text);
	}
}

static void volumes_are_mounted_where_the_container_says(void **state)
{
	struct fixture *fixture = *state;

	mounts_well(
		fixture,
		"{\"name\":\"data\",\"mountPath\":\"/data\"},{\"name\":\"data\",\"mountPath\":\"ro\",\"readOnly\":true},{\"name\":\"cm\",\"mountPath\":\"/cm\"}");
	assert_int_equal(fixture->count, 3);
	assert_string_equal(fixture->mounts[0].source, fixture->set.items[0].path);
	assert_string_equal(fixture->mounts[0].target, "/data");
	assert_false(fixture->mounts[0].read_only);
	assert_string_equal(fixture->mounts[1].target, "/ro");
	assert_true(fixture->mounts[1].read_only);
	assert_true(fixture->mounts[2].read_only);
	mounts_badly(fixture, "{\"name\":\"none\",\"mountPath\":\"/data\"}", -EINVAL, "'none'");
	mounts_well(fixture, "");
	assert_int_equal(fixture->count, 0);
}

static void a_sub_path_is_made_and_reached(void **state)
{
	struct fixture *fixture = *state;
	const char *data = fixture->set.items[0].path;
	CLEANUP_FREE char *path = xprintf("%s/a/p-0/c", data);
	struct stat inside, handed;

	mounts_well(
		fixture,
		"{\"name\":\"data\",\"mountPath\":\"/d\",\"subPathExpr\":\"a/$(POD)/c\"},{\"name\":\"cm\",\"mountPath\":\"/f\",\"subPath\":\"a\"}");
	assert_int_equal(stat(path, &inside), 0);
	assert_int_equal(inside.st_mode & 07777, 0777);
	assert_int_equal(stat(fixture->mounts[0].source, &handed), 0);
	assert_true(handed.st_ino == inside.st_ino);
	files_expect(fixture->mounts[1].source, "1");
	/* As after a restart of the container, also of another kind. */
	mounts_well(fixture, "{\"name\":\"cm\",\"mountPath\":\"/f\",\"subPath\":\"a\"}");
	files_expect(fixture->mounts[0].source, "1");
}

static void no_sub_path_leads_out_of_its_volume(void **state)
{
	struct fixture *fixture = *state;
	const char *data = fixture->set.items[0].path;
	static const char *const links[][2] = {
		{ "etc", "/etc" },
		{ "up", "../.." },
		{ "proc", "/proc/self/root" },
		{ "chain", "etc" },
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		CLEANUP_FREE char *path = xprintf("%s/%s", data, links[i][0]);
		CLEANUP_FREE char *mount = xprintf(
			"{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"%s\"}", links[i][0]);
		CLEANUP_FREE char *below =
			xprintf("{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"%s/new\"}",
				links[i][0]);

		assert_int_equal(symlink(links[i][1], path), 0);
		mounts_badly(fixture, mount, -EINVAL, "leads out of the volume");
		mounts_badly(fixture, below, -EINVAL, "leads out of the volume");
	}
	mounts_badly(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"a/../b\"}",
		     -EINVAL, "'..'");
	mounts_badly(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"/etc\"}",
		     -EINVAL, "relative");
	mounts_badly(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPathExpr\":\"$(UP)\"}",
		     -EINVAL, "'..'");
	mounts_badly(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPathExpr\":\"$(NO)\"}",
		     -EINVAL, "names a variable");
}

static void a_link_within_the_volume_is_fine(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *link = xprintf("%s/link", fixture->set.items[0].path);
	CLEANUP_FREE char *made = xprintf("%s/real/new", fixture->set.items[0].path);
	struct stat info;

	mounts_well(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"real\"}");
	assert_int_equal(symlink("real", link), 0);
	mounts_well(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"link/new\"}");
	assert_int_equal(stat(made, &info), 0);
}

static void what_was_checked_cannot_be_swapped(void **state)
{
	struct fixture *fixture = *state;
	const char *data = fixture->set.items[0].path;
	CLEANUP_FREE char *old = xprintf("%s/sub", data);
	CLEANUP_FREE char *away = xprintf("%s/away", data);
	struct stat before, after;

	if (!files_may_mount()) {
		print_message("skipped: nothing may be mounted here\n");
		skip();
	}
	mounts_well(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"sub\"}");
	assert_int_equal(stat(old, &before), 0);
	assert_int_equal(rename(old, away), 0);
	assert_int_equal(symlink("/etc", old), 0);
	assert_int_equal(stat(fixture->mounts[0].source, &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
}

static void removing_a_pod_keeps_what_its_sub_paths_show(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *outside = xprintf("%s/outside", fixture->root);
	CLEANUP_FREE char *kept = xprintf("%s/outside/sub/kept", fixture->root);
	CLEANUP_FREE char *inner = xprintf("%s/outside/sub", fixture->root);

	/* A claim, as far as mounts know. */
	assert_int_equal(mkdir(outside, 0755), 0);
	free(fixture->set.items[0].path);
	fixture->set.items[0].path = xstrdup(outside);
	mounts_well(fixture, "{\"name\":\"data\",\"mountPath\":\"/d\",\"subPath\":\"sub\"}");
	files_write(inner, "kept", "x");
	assert_int_equal(volumes_remove(fixture->root, "u", &fixture->error), 0);
	files_expect(kept, "x");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(volumes_are_mounted_where_the_container_says),
		CASE(a_sub_path_is_made_and_reached),
		CASE(no_sub_path_leads_out_of_its_volume),
		CASE(a_link_within_the_volume_is_fine),
		CASE(what_was_checked_cannot_be_swapped),
		CASE(removing_a_pod_keeps_what_its_sub_paths_show),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
