/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of runtime/files/path.h, each with openat2 and with the walk by hand. */
#include "config.h"

#include "runtime/files/path.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/sched.h"
#include "runtime/files/incoming.h"

#define RACES 20000

/* <top>/base is the base, <top>/outside is what nobody may reach. */
struct world {
	struct base base;
	char *top;
	char *here; /* base.path */
	int outside;
};

/* ---- a world ---- */

static void make_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void make_link(const struct world *world, const char *target, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", world->here, name);

	assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state, bool by_hand)
{
	struct world *world = xnew(struct world);
	const char *temporary = getenv("TMPDIR");

	world->top = xprintf("%s/path-XXXXXX", temporary != NULL ? temporary : "/tmp");
	assert_non_null(mkdtemp(world->top));

	CLEANUP_FREE char *base = xprintf("%s/base", world->top);
	CLEANUP_FREE char *outside = xprintf("%s/outside", world->top);
	CLEANUP_FREE char *directory = xprintf("%s/base/d/e", world->top);

	assert_int_equal(mkdir(base, 0755), 0);
	assert_int_equal(mkdir(outside, 0755), 0);
	directory[strlen(directory) - 2] = '\0';
	assert_int_equal(mkdir(directory, 0755), 0);
	directory[strlen(directory)] = '/';
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(base_open(base, &world->base, NULL), 0);
	if (!by_hand && world->base.by_hand) {
		print_message("this kernel has no openat2: the walk is tested twice\n");
	}
	world->base.by_hand = by_hand || world->base.by_hand;
	world->here = world->base.path;
	world->outside = open(outside, O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_file(world->outside, "secret", "secret");
	int real = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);

	make_file(real, "f", "f");
	make_file(real, "d/e/g", "g");
	close(real);
	*state = world;
	return 0;
}

static int setup_openat2(void **state)
{
	return setup(state, false);
}

static int setup_by_hand(void **state)
{
	return setup(state, true);
}

static int remove_tree(const char *path)
{
	CLEANUP_FREE char *command = xstrdup(path);
	const char *argv[] = { "rm", "-rf", "--", command, NULL };
	pid_t child = fork();
	int status;

	if (child == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *world = *state;
	int removed = remove_tree(world->top);

	base_close(&world->base);
	close(world->outside);
	free(world->top);
	free(world);
	return removed;
}

/* What a path leads to: its bytes, or a negative errno as text. */
static const char *look(const struct world *world, const char *path, char *text, size_t size)
{
	CLEANUP_PLACE struct place place = PLACE_INIT;
	int error = place_find(&world->base, path, 0, &place);

	if (error == 0 && place.fd < 0) {
		error = -ENOENT;
	}

	int fd = error < 0 ? error : path_reopen(place.fd, O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd < 0) {
		snprintf(text, size, "%s", strerrorname_np(-fd));
		return text;
	}
	close(fd);
	if (length < 0) {
		return errno == EISDIR ? "a directory" : "unreadable";
	}
	text[length] = '\0';
	return text;
}

#define assert_leads(world, path, what)                                             \
	do {                                                                        \
		char text_[64];                                                     \
		assert_string_equal(look(world, path, text_, sizeof(text_)), what); \
	} while (0)

/* ---- finding ---- */

static void a_path_leads_to_files_and_folders(void **state)
{
	const struct world *world = *state;

	assert_leads(world, "f", "f");
	assert_leads(world, "d/e/g", "g");
	assert_leads(world, "d/e", "a directory");
	assert_leads(world, "", "a directory");
	assert_leads(world, "nothing", "ENOENT");
	assert_leads(world, "nothing/more", "ENOENT");
	assert_leads(world, "f/more", "ENOTDIR");
}

static void links_that_stay_inside_work(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *absolute = xprintf("%s/d/e", world->here);
	CLEANUP_FREE char *around = xprintf("%s/d/../d/e/g", world->here);

	make_link(world, "f", "relative");
	make_link(world, "d/e", "folder");
	make_link(world, absolute, "absolute");
	make_link(world, around, "around");
	make_link(world, "../e/../../f", "d/e/up");
	make_link(world, world->here, "self");
	assert_leads(world, "relative", "f");
	assert_leads(world, "folder/g", "g");
	assert_leads(world, "absolute/g", "g");
	assert_leads(world, "around", "g");
	assert_leads(world, "folder/up", "f");
	assert_leads(world, "self/self/absolute/up", "f");
	assert_leads(world, "self", "a directory");
}

static void links_that_lead_outside_are_refused(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *absolute = xprintf("%s/outside/secret", world->top);
	CLEANUP_FREE char *beside = xprintf("%s-beside", world->here);

	make_link(world, "../outside/secret", "relative");
	make_link(world, "../outside", "folder");
	make_link(world, absolute, "absolute");
	make_link(world, "/", "root");
	make_link(world, "..", "up");
	make_link(world, "d/../../outside/secret", "around");
	make_link(world, "../outside/nothing", "dangling");
	make_link(world, beside, "beside");
	make_link(world, "/proc/self/root", "magic");
	make_link(world, "/proc/self/cwd", "cwd");
	for (const char *const *path =
		     (const char *const[]){ "relative", "folder/secret", "absolute",
					    "root/etc/passwd", "up/outside/secret", "around",
					    "dangling", "beside", "magic/etc/passwd", "cwd", NULL };
	     *path != NULL; path++) {
		CLEANUP_PLACE struct place place = PLACE_INIT;

		assert_leads(world, *path, "EXDEV");
		assert_int_equal(place_find(&world->base, *path, PLACE_MAKE_PARENTS, &place),
				 -EXDEV);
	}
}

static void links_in_circles_end(void **state)
{
	const struct world *world = *state;

	make_link(world, "b", "a");
	make_link(world, "a", "b");
	make_link(world, "c/c", "c");
	make_link(world, "d/..", "here");
	assert_leads(world, "a", "ELOOP");
	assert_leads(world, "c", "ELOOP");
	assert_leads(world, "here/here/here/f", "f");
}

static void long_names_and_paths_are_told(void **state)
{
	const struct world *world = *state;
	CLEANUP_BUF struct buf path = BUF_INIT(65536);
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	assert_leads(world, name, "ENAMETOOLONG");
	name[NAME_MAX] = '\0';
	assert_leads(world, name, "ENOENT");
	for (int i = 0; i < 10000; i++) {
		buf_append_str(&path, "d/");
	}
	assert_leads(world, buf_str(&path), "ENAMETOOLONG");
}

static void a_fifo_is_found_and_not_opened(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *path = xprintf("%s/fifo", world->here);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	struct stat info;

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(place_find(&world->base, "fifo", 0, &place), 0);
	assert_int_equal(fstat(place.fd, &info), 0);
	assert_true(S_ISFIFO(info.st_mode));
}

static void a_base_that_is_none_is_told(void **state)
{
	struct world *world = *state;
	CLEANUP_FREE char *path = xprintf("%s/f", world->here);
	struct error error = { 0 };
	struct base base;

	assert_int_equal(base_open(path, &base, &error), -ENOTDIR);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(base_open("/no/such/folder", &base, NULL), -ENOENT);
}

/* ---- receiving ---- */

static int receive(const struct world *world, const char *path, const char *text,
		   struct error *reterr)
{
	struct incoming incoming = INCOMING_INIT;
	int error = incoming_begin(&world->base, path, 7, &incoming, reterr);

	if (error == 0) {
		assert_int_equal(incoming_write(&incoming, text, strlen(text), NULL), 0);
		error = incoming_land(&incoming, reterr);
	}
	incoming_drop(&incoming);
	return error;
}

static void folders_on_the_way_are_made(void **state)
{
	const struct world *world = *state;

	assert_int_equal(receive(world, "new/deep/file", "new", NULL), 0);
	assert_leads(world, "new/deep/file", "new");
	assert_int_equal(receive(world, "f/below", "x", NULL), -ENOTDIR);
}

static void a_file_is_replaced_whole_and_other_names_keep_theirs(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *file = xprintf("%s/f", world->here);
	CLEANUP_FREE char *other = xprintf("%s/hard", world->here);
	struct stat info;

	assert_int_equal(link(file, other), 0);
	assert_int_equal(chmod(file, 0700), 0);
	assert_int_equal(receive(world, "f", "changed", NULL), 0);
	assert_leads(world, "f", "changed");
	assert_leads(world, "hard", "f");
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
}

static void a_new_file_has_mode_0644(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *file = xprintf("%s/new", world->here);
	mode_t old = umask(077);
	struct stat info;

	assert_int_equal(receive(world, "new", "", NULL), 0);
	umask(old);
	assert_int_equal(stat(file, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0644);
}

static void a_link_is_kept_and_its_target_replaced(void **state)
{
	const struct world *world = *state;

	make_link(world, "d/e/g", "to-file");
	make_link(world, "d/made", "dangling");
	assert_int_equal(receive(world, "to-file", "1", NULL), 0);
	assert_leads(world, "d/e/g", "1");
	assert_int_equal(receive(world, "dangling", "2", NULL), 0);
	assert_leads(world, "d/made", "2");
	assert_leads(world, "dangling", "2");
}

static void what_is_no_file_is_not_replaced(void **state)
{
	const struct world *world = *state;
	CLEANUP_FREE char *fifo = xprintf("%s/fifo", world->here);
	struct error error = { 0 };

	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(receive(world, "fifo", "x", NULL), -EEXIST);
	assert_int_equal(receive(world, "", "x", NULL), -EISDIR);
	assert_int_equal(receive(world, "d", "x", &error), -EISDIR);

	CLEANUP_FREE char *words = xprintf("[Errno 21] Is a directory: '%s/d'", world->here);

	assert_string_equal(error.text, words);
}

static void what_is_dropped_leaves_nothing(void **state)
{
	const struct world *world = *state;
	struct incoming incoming = INCOMING_INIT;
	CLEANUP_FREE char *directory = xprintf("%s/d/e/g", world->here);

	assert_int_equal(incoming_begin(&world->base, "d/e/new", 1, &incoming, NULL), 0);
	assert_int_equal(incoming_write(&incoming, "x", 1, NULL), 0);
	incoming_drop(&incoming);
	assert_leads(world, "d/e/new", "ENOENT");
	assert_int_equal(unlink(directory), 0);
	*strrchr(directory, '/') = '\0';
	assert_int_equal(rmdir(directory), 0); /* nothing else is in it */
}

/* ---- while others rename ---- */

struct swapper {
	const struct world *world;
	atomic_bool stop;
};

/* Exchanges a directory and a link that leads outside, as fast as it can; by four renames where the
 * kernel has no exchange. */
static void swap(void *arg)
{
	struct swapper *swapper = arg;
	int fd = swapper->world->base.fd;

	while (!atomic_load(&swapper->stop)) {
		if (syscall(SYS_renameat2, fd, "race", fd, "outward", 2u /* RENAME_EXCHANGE */) <
		    0) {
			renameat(fd, "race", fd, "spare");
			renameat(fd, "outward", fd, "race");
			renameat(fd, "race", fd, "outward");
			renameat(fd, "spare", fd, "race");
		}
	}
}

static void nothing_outside_is_reached_while_others_rename(void **state)
{
	const struct world *world = *state;
	struct sched *sched = sched_create();
	struct swapper swapper = { .world = world };
	unsigned int inside = 0, denied = 0, written = 0;
	struct stat info;

	make_link(world, "../outside", "outward");
	assert_int_equal(receive(world, "race/secret", "inside", NULL), 0);

	struct sched_thread *thread = sched_start(sched, "swap", swap, &swapper);

	for (int i = 0; i < RACES; i++) {
		char text[64];
		const char *found = look(world, "race/secret", text, sizeof(text));

		assert_string_not_equal(found, "secret");
		inside += strcmp(found, "inside") == 0;
		denied += strcmp(found, "EXDEV") == 0;
		if (i % 8 == 0) {
			written += receive(world, "race/written", "x", NULL) == 0;
		}
	}
	atomic_store(&swapper.stop, true);
	sched_join(thread);
	sched_destroy(sched);
	assert_int_equal(fstatat(world->outside, "written", &info, AT_SYMLINK_NOFOLLOW), -1);
	assert_true(inside > 0 && written > 0);
	print_message("inside %u, denied %u, written %u\n", inside, denied, written);
}

#define BOTH(test)                                                      \
	cmocka_unit_test_setup_teardown(test, setup_openat2, teardown), \
	{                                                               \
#test " (by hand)", test, setup_by_hand, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_path_leads_to_files_and_folders),
		BOTH(links_that_stay_inside_work),
		BOTH(links_that_lead_outside_are_refused),
		BOTH(links_in_circles_end),
		BOTH(long_names_and_paths_are_told),
		BOTH(a_fifo_is_found_and_not_opened),
		BOTH(a_base_that_is_none_is_told),
		BOTH(folders_on_the_way_are_made),
		BOTH(a_file_is_replaced_whole_and_other_names_keep_theirs),
		BOTH(a_new_file_has_mode_0644),
		BOTH(a_link_is_kept_and_its_target_replaced),
		BOTH(what_is_no_file_is_not_replaced),
		BOTH(what_is_dropped_leaves_nothing),
		BOTH(nothing_outside_is_reached_while_others_rename),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
