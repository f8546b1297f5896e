/* SPDX-License-Identifier: Apache-2.0 */
/* The locks and the status file of a state directory. Called by `up`, `down` and `status`. */
#include "config.h"

#include "local/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "local/state-directory.h"

#define STATUS_MAX 65536u
#define CHECK_MS 50

static int instance_open_lock(const char *state_dir, const char *name, int flags,
			      struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", state_dir, name);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd >= 0 ? fd
		       : error_set(reterr, -errno, "cannot open '%s': %s", path, strerror(errno));
}

static struct flock instance_whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* Child processes of a killed `up` end by themselves. Waits for that. */
static int instance_wait_for_children(struct sched *sched, int fd, const char *state_dir,
				      struct error *reterr)
{
	uint64_t deadline = sched_now_us(sched) + INSTANCE_LEFTOVERS_US;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			return error_set(reterr, -errno, "cannot lock '%s/children.lock': %s",
					 state_dir, strerror(errno));
		}
		if (sched_now_us(sched) >= deadline) {
			return error_set(
				reterr, -ETIMEDOUT,
				"processes of an earlier `up` do not end: find the processes that have '%s/children.lock' open with fuser, and end them",
				state_dir);
		}
		(void)poll(NULL, 0, CHECK_MS);
	}
	return 0;
}

int instance_take(struct sched *sched, const char *state_dir, struct instance *ret,
		  struct error *reterr)
{
	struct instance instance = INSTANCE_NONE;
	struct flock lock = instance_whole_file();
	int code = instance.lock =
		instance_open_lock(state_dir, "up.lock", O_RDWR | O_CREAT, reterr);

	if (code >= 0 && fcntl(instance.lock, F_SETLK, &lock) < 0) {
		code = error_set(
			reterr, -EBUSY,
			"agent-sandbox-local runs already with the state in '%s' (process %d): `status` shows more, `down` ends it",
			state_dir, (int)instance_holder(state_dir, NULL));
	}
	if (code >= 0) {
		code = instance.children =
			instance_open_lock(state_dir, "children.lock", O_RDWR | O_CREAT, reterr);
	}
	if (code >= 0) {
		code = instance_wait_for_children(sched, instance.children, state_dir, reterr);
	}
	if (code < 0) {
		instance_release(&instance);
		return code;
	}
	*ret = instance;
	return 0;
}

void instance_release(struct instance *instance)
{
	if (instance->children >= 0) {
		close(instance->children);
	}
	if (instance->lock >= 0) {
		close(instance->lock);
	}
	*instance = (struct instance)INSTANCE_NONE;
}

pid_t instance_holder(const char *state_dir, struct error *reterr)
{
	struct flock lock = instance_whole_file();
	int fd = instance_open_lock(state_dir, "up.lock", O_RDWR, reterr);

	if (fd < 0) {
		return fd == -ENOENT ? 0 : fd;
	}
	if (fcntl(fd, F_GETLK, &lock) < 0) {
		int code = error_set(reterr, -errno, "cannot read the lock '%s/up.lock': %s",
				     state_dir, strerror(errno));

		close(fd);
		return code;
	}
	close(fd);
	return lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

pid_t instance_find(const char *path, char **ret_state_dir, struct error *reterr)
{
	char *state_dir = path != NULL ? realpath(path, NULL) : NULL;
	int code = state_dir != NULL ? state_directory_check(state_dir, reterr) : 0;

	*ret_state_dir = state_dir;
	return code < 0 || state_dir == NULL ? code : instance_holder(state_dir, reterr);
}

/* ---- the status file ---- */

static char *instance_status_path(const char *state_dir)
{
	return xprintf("%s/" INSTANCE_STATUS, state_dir);
}

int instance_write_status(const char *state_dir, struct json_object *record, struct error *reterr)
{
	CLEANUP_FREE char *path = instance_status_path(state_dir);
	CLEANUP_BUF struct buf text = BUF_INIT(STATUS_MAX);

	if (json_print(record, &text) < 0) {
		return error_set(reterr, -ENOSPC, "the status file is too long");
	}
	return file_write_private(path, buf_str(&text), text.length, 0600, reterr);
}

struct json_object *instance_read_status(const char *state_dir)
{
	CLEANUP_FREE char *path = instance_status_path(state_dir);
	CLEANUP_BUF struct buf text = BUF_INIT(STATUS_MAX);

	return file_read(path, &text) == 0 ? json_parse(buf_str(&text), text.length, NULL) : NULL;
}

void instance_remove_status(const char *state_dir)
{
	CLEANUP_FREE char *path = instance_status_path(state_dir);

	(void)unlink(path);
}
