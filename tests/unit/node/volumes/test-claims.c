/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/volumes/claims.h: a claim's data is its own, and ends with it. */
#include "config.h"

#include "node/volumes/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/unit/node/node-files.h"
#include "tests/unit/node/node-objects.h"

#define KEY "persistentvolumeclaims/ns/claim"
#define UPGRADE_MS INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */
#define BEFORE "2023-11-14T22:13:20Z"
#define AFTER "2023-11-14T22:13:21Z"

struct fixture {
	char *root;
	struct node_objects objects;
	struct volume_source source;
	struct claims_check look;
	struct error error;
	char told[1024];
	char *path; /* of the volume that was made last */
	bool taken_over;
	uint64_t asked;
};

static int set_up(void **state)
{
	struct fixture *fixture = xnew(struct fixture);

	fixture->root = files_temporary();
	fixture->objects.objects = json_object_new_object();
	fixture->source = node_objects_source(&fixture->objects);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	volumes_remove(fixture->root, "p-1", NULL);
	volumes_remove(fixture->root, "p-2", NULL);
	claims_check_finish(&fixture->look);
	json_object_put(fixture->objects.objects);
	files_remove(fixture->root);
	free(fixture->path);
	free(fixture->root);
	free(fixture);
	return 0;
}

/* The claim that the API server has; uid NULL: none. */
static void set_claim(struct fixture *fixture, const char *uid, const char *created)
{
	json_object_object_del(fixture->objects.objects, KEY);
	if (uid != NULL) {
		CLEANUP_FREE char *text = xprintf(
			"{\"metadata\":{\"name\":\"claim\",\"namespace\":\"ns\",\"uid\":\"%s\",\"creationTimestamp\":\"%s\"},\"spec\":{\"resources\":{\"requests\":{\"storage\":\"1Mi\"}}}}",
			uid, created);

		json_object_object_add(fixture->objects.objects, KEY, node_json(text));
	}
}

static void set_deleting(struct fixture *fixture)
{
	struct json_object *claim, *metadata;

	assert_true(json_object_object_get_ex(fixture->objects.objects, KEY, &claim));
	assert_true(json_object_object_get_ex(claim, "metadata", &metadata));
	json_object_object_add(metadata, "deletionTimestamp", json_object_new_string(AFTER));
}

/* Makes the volumes of a pod that mounts the claim. */
static int make(struct fixture *fixture, const char *uid)
{
	CLEANUP_FREE char *text = xprintf(
		"{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"%s\"},\"spec\":{\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"claim\"}}],\"containers\":[{\"name\":\"c\"}]}}",
		uid);
	struct json_object *pod = node_json(text);
	struct volume_set set = { 0 };
	int code;

	fixture->error = (struct error){ 0 };
	code = volumes_make(fixture->root, &fixture->source, pod, &set, &fixture->error);
	if (code == 0) {
		free(fixture->path);
		fixture->path = xstrdup(set.items[0].path);
		fixture->taken_over = set.items[0].taken_over;
		fixture->asked = set.items[0].asked;
	}
	volume_set_finish(&set);
	json_object_put(pod);
	return code;
}

static void make_well(struct fixture *fixture, const char *uid)
{
	if (make(fixture, uid) < 0) {
		fail_msg("%s", fixture->error.text);
	}
}

static void expect(struct fixture *fixture, const char *content)
{
	CLEANUP_FREE char *path = xprintf("%s/file", fixture->path);

	files_expect(path, content);
}

static void tell(void *arg, const char *sentence)
{
	struct fixture *fixture = arg;

	snprintf(fixture->told, sizeof(fixture->told), "%s", sentence);
}

static bool look(struct fixture *fixture)
{
	fixture->told[0] = '\0';
	return claims_clear(fixture->root, &fixture->source, &fixture->look, tell, fixture);
}

static bool is_there(struct fixture *fixture, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/claims/%s", fixture->root, name);

	return access(path, F_OK) == 0;
}

/* A directory as earlier releases made it, with a file. */
static void make_old(struct fixture *fixture, const char *content)
{
	CLEANUP_FREE char *path = xprintf("%s/claims", fixture->root);
	CLEANUP_FREE char *directory = xprintf("%s/ns_claim", path);

	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	assert_int_equal(mkdir(directory, 0777), 0);
	files_write(directory, "file", content);
}

static void a_new_claim_of_a_name_never_sees_the_data_of_an_old_one(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	assert_int_equal(fixture->asked, 1 << 20);
	assert_false(fixture->taken_over);
	files_write(fixture->path, "file", "first");
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);
	make_well(fixture, "p-1");
	expect(fixture, "first");
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);

	set_claim(fixture, "c-2", BEFORE);
	make_well(fixture, "p-2");
	expect(fixture, NULL);
}

static void data_goes_with_its_claim(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	files_write(fixture->path, "file", "first");
	assert_false(look(fixture));
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);
	assert_false(look(fixture));
	assert_true(is_there(fixture, "c-1"));

	set_claim(fixture, NULL, NULL);
	assert_true(look(fixture)); /* once is not enough */
	assert_true(is_there(fixture, "c-1"));
	assert_false(look(fixture));
	assert_false(is_there(fixture, "c-1"));
	assert_string_equal(fixture->told,
			    "removed the data of a claim that was deleted: 'ns/claim'");
}

static void data_goes_when_another_claim_has_the_name(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);
	set_claim(fixture, "c-2", BEFORE);
	make_well(fixture, "p-2");
	look(fixture);
	look(fixture);
	assert_false(is_there(fixture, "c-1"));
	assert_true(is_there(fixture, "c-2"));
}

static void data_stays_while_a_pod_uses_it(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	set_claim(fixture, NULL, NULL);
	for (int i = 0; i < 3; i++) {
		assert_false(look(fixture));
		assert_true(is_there(fixture, "c-1"));
	}
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);
	look(fixture);
	look(fixture);
	assert_false(is_there(fixture, "c-1"));
}

static void data_stays_when_the_api_server_cannot_be_asked(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	assert_int_equal(volumes_remove(fixture->root, "p-1", NULL), 0);
	json_object_object_add(fixture->objects.objects, KEY, json_object_new_int(-EAGAIN));
	for (int i = 0; i < 3; i++) {
		assert_false(look(fixture));
	}
	/* A response without sense is none. */
	json_object_object_add(fixture->objects.objects, KEY, node_json("{}"));
	for (int i = 0; i < 3; i++) {
		assert_false(look(fixture));
	}
	assert_true(is_there(fixture, "c-1"));
	/* Gone, there again, gone: not twice in a row. */
	set_claim(fixture, NULL, NULL);
	assert_true(look(fixture));
	set_claim(fixture, "c-1", BEFORE);
	assert_false(look(fixture));
	set_claim(fixture, NULL, NULL);
	assert_true(look(fixture));
	assert_true(is_there(fixture, "c-1"));
}

static void a_pod_keeps_the_claim_that_it_began_with(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	set_claim(fixture, "c-2", BEFORE);
	assert_int_equal(make(fixture, "p-1"), -EAGAIN);
	assert_non_null(strstr(fixture->error.text, "is not the one that this pod began to use"));
	assert_false(is_there(fixture, "c-2"));
}

static void a_claim_that_is_being_deleted_takes_no_new_pod(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	set_deleting(fixture);
	make_well(fixture, "p-1");
	assert_int_equal(make(fixture, "p-2"), -EAGAIN);
	assert_non_null(strstr(fixture->error.text, "PVC ns/claim is being deleted"));
}

static void a_claim_without_a_uid_has_no_folder(void **state)
{
	struct fixture *fixture = *state;

	set_claim(fixture, "../x", BEFORE);
	assert_int_equal(make(fixture, "p-1"), -EAGAIN);
	set_claim(fixture, "", BEFORE);
	assert_int_equal(make(fixture, "p-1"), -EAGAIN);
}

static void a_folder_of_an_earlier_release_goes_to_the_claim_that_exists(void **state)
{
	struct fixture *fixture = *state;

	make_old(fixture, "old");
	assert_int_equal(claims_upgrade(fixture->root, UPGRADE_MS, NULL), 0);
	assert_int_equal(claims_upgrade(fixture->root, UPGRADE_MS + 5000, NULL), 0);
	assert_false(is_there(fixture, "ns_claim"));
	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	expect(fixture, "old");
	assert_true(fixture->taken_over);
	make_well(fixture, "p-1");
	assert_false(fixture->taken_over); /* said once */
	look(fixture);
	assert_false(is_there(fixture, "_old"));
}

static void a_look_hands_folders_of_an_earlier_release_on(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *pods = xprintf("%s/pods", fixture->root);

	make_old(fixture, "old");
	assert_int_equal(claims_upgrade(fixture->root, UPGRADE_MS, NULL), 0);
	assert_int_equal(mkdir(pods, 0700), 0);
	set_claim(fixture, "c-1", BEFORE);
	look(fixture);
	assert_non_null(strstr(fixture->told, "'ns_claim'"));
	make_well(fixture, "p-1");
	expect(fixture, "old");
	assert_true(fixture->taken_over);
}

static void a_claim_made_after_an_upgrade_sees_nothing_old(void **state)
{
	struct fixture *fixture = *state;

	make_old(fixture, "old");
	assert_int_equal(claims_upgrade(fixture->root, UPGRADE_MS, NULL), 0);
	set_claim(fixture, "c-2", AFTER);
	make_well(fixture, "p-1");
	expect(fixture, NULL);
	assert_false(fixture->taken_over);
	assert_true(look(fixture));
	assert_true(is_there(fixture, "_old/ns_claim"));
	look(fixture);
	assert_false(is_there(fixture, "_old"));
	assert_true(is_there(fixture, "c-2"));
}

static void a_folder_of_an_earlier_release_stays_under_its_pods(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *pods = xprintf("%s/pods", fixture->root);
	CLEANUP_FREE char *pod = xprintf("%s/p-2", pods);

	make_old(fixture, "old");
	/* A pod of that release, whose volumes nobody has made since. */
	assert_int_equal(mkdir(pods, 0700), 0);
	assert_int_equal(mkdir(pod, 0700), 0);
	assert_int_equal(claims_upgrade(fixture->root, UPGRADE_MS, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_false(look(fixture));
	}
	assert_true(is_there(fixture, "_old/ns_claim/data/file"));
	assert_int_equal(volumes_remove(fixture->root, "p-2", NULL), 0);
	look(fixture);
	look(fixture);
	assert_false(is_there(fixture, "_old"));
}

static void what_was_half_removed_is_removed(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP_FREE char *half = xprintf("%s/claims/.removing-c-9", fixture->root);

	set_claim(fixture, "c-1", BEFORE);
	make_well(fixture, "p-1");
	assert_int_equal(mkdir(half, 0700), 0);
	files_write(half, "file", "x");
	look(fixture);
	assert_false(is_there(fixture, ".removing-c-9"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_new_claim_of_a_name_never_sees_the_data_of_an_old_one),
		CASE(data_goes_with_its_claim),
		CASE(data_goes_when_another_claim_has_the_name),
		CASE(data_stays_while_a_pod_uses_it),
		CASE(data_stays_when_the_api_server_cannot_be_asked),
		CASE(a_pod_keeps_the_claim_that_it_began_with),
		CASE(a_claim_that_is_being_deleted_takes_no_new_pod),
		CASE(a_claim_without_a_uid_has_no_folder),
		CASE(a_folder_of_an_earlier_release_goes_to_the_claim_that_exists),
		CASE(a_look_hands_folders_of_an_earlier_release_on),
		CASE(a_claim_made_after_an_upgrade_sees_nothing_old),
		CASE(a_folder_of_an_earlier_release_stays_under_its_pods),
		CASE(what_was_half_removed_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
