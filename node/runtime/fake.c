/* SPDX-License-Identifier: Apache-2.0 */
/* A table that looks like a container runtime. Made by node/node.c for --runtime fake, and by
 * tests. */
#include "config.h"

#include "node/runtime/fake.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "node/runtime/fake-table.h"

struct fake {
	struct runtime runtime; /* first */
	struct sched *sched;
	runtime_changed changed;
	void *arg;
	struct sched_mutex lock;
	struct sched_cond never; /* for the grace of what hangs */
	struct fake_table table; /* lock */
	uint32_t pulls, starts;  /* lock */
};

static struct fake *fake_of(struct runtime *runtime)
{
	return (struct fake *)runtime;
}

static int64_t fake_now_ms(const struct fake *fake)
{
	return sched_wall_us(fake->sched) / 1000;
}

static bool fake_image_is(const char *image, const char *what)
{
	size_t length = strlen(what);

	return strncmp(image, what, length) == 0 && (image[length] == '\0' || image[length] == ':');
}

/* ---- images ---- */

static int fake_check(struct runtime *runtime UNUSED, struct buf *note, struct error *reterr UNUSED)
{
	buf_append_str(note, "fake: nothing really runs");
	return 0;
}

static int fake_check_handler(struct runtime *runtime UNUSED, const char *handler,
			      struct error *reterr)
{
	if (strcmp(handler, "missing") == 0) {
		return error_set(reterr, -EINVAL, "no runtime for \"%s\" is configured", handler);
	}
	return 0;
}

static int fake_ensure_image(struct runtime *runtime, const char *image, enum runtime_pull policy,
			     enum runtime_image *ret, struct buf *note UNUSED, struct error *reterr)
{
	struct fake *fake = fake_of(runtime);

	if (fake_image_is(image, "fake/INVALID")) {
		return error_set(reterr, -EINVAL, "couldn't parse image name \"%s\"", image);
	}
	if (policy == RUNTIME_PULL_ALWAYS ||
	    (policy == RUNTIME_PULL_IF_NOT_PRESENT && fake_image_is(image, "fake/missing"))) {
		LOCKED(&fake->lock);
		fake->pulls++;
	}
	if (fake_image_is(image, "fake/missing")) {
		return error_set(reterr, -ENOENT, "there is no image \"%s\"", image);
	}
	*ret = policy == RUNTIME_PULL_ALWAYS ? RUNTIME_IMAGE_PULLED : RUNTIME_IMAGE_PRESENT;
	return 0;
}

/* ---- pods ---- */

static int fake_start_pod(struct runtime *runtime, const struct runtime_pod *pod, char ret_ip[64],
			  struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	struct fake_row *row;

	LOCKED(&fake->lock);
	row = fake_table_find(&fake->table, pod->uid, NULL, 0);
	if (row == NULL) {
		row = fake_table_add(&fake->table, pod->uid, NULL, 0);
		row->status.pod_ns = xstrdup(pod->ns);
		row->status.pod_name = xstrdup(pod->name);
		row->status.handler = xstrdup(pod->handler != NULL ? pod->handler : "fake");
		row->status.created_ms = fake_now_ms(fake);
	}
	if (row->status.phase != RUNTIME_RUNNING) {
		row->status.phase = RUNTIME_RUNNING;
		row->status.started_ms = fake_now_ms(fake);
	}
	snprintf(ret_ip, 64, "%s", row->status.ip);
	fake_table_touch(&fake->table, row);
	return fake_table_save(&fake->table, reterr);
}

static int fake_remove_pod(struct runtime *runtime, const char *uid, struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	struct fake_row *row;

	LOCKED(&fake->lock);
	while ((row = map_get(&fake->table.pods, uid)) != NULL) {
		fake_table_remove(&fake->table, row);
	}
	return fake_table_save(&fake->table, reterr);
}

/* ---- containers ---- */

static void fake_end_row(struct fake *fake, struct fake_row *row, int exit_code)
{
	row->status.phase = RUNTIME_EXITED;
	row->status.exit_code = exit_code;
	row->status.finished_ms = fake_now_ms(fake);
	fake_table_touch(&fake->table, row);
}

/* True: it has ended already. */
static bool fake_run_row(struct fake *fake, struct fake_row *row)
{
	const char *image = row->status.image, *tag = strrchr(image, ':');
	int64_t code = 0;

	row->status.phase = RUNTIME_RUNNING;
	row->status.started_ms = fake_now_ms(fake);
	if (fake_image_is(image, "fake/crash")) {
		if (tag == NULL || integer_parse(tag + 1, 0, 255, &code) < 0) {
			code = 1;
		}
	} else if (!fake_image_is(image, "fake/exit0")) {
		return false;
	}
	fake_end_row(fake, row, (int)code);
	return true;
}

static int fake_start_row(struct fake *fake, const struct runtime_pod *pod,
			  const struct runtime_container *container, char ret_id[80],
			  bool *ret_ended, struct error *reterr)
{
	struct fake_row *row;

	LOCKED(&fake->lock);
	if (fake_table_find(&fake->table, pod->uid, NULL, 0) == NULL) {
		return error_set(reterr, -ENOENT, "pod '%s' has no sandbox", pod->name);
	}
	row = fake_table_find(&fake->table, pod->uid, container->name, container->attempt);
	if (row == NULL) {
		row = fake_table_add(&fake->table, pod->uid, container->name, container->attempt);
		row->status.pod_ns = xstrdup(pod->ns);
		row->status.pod_name = xstrdup(pod->name);
		row->status.image = xstrdup(container->image);
		row->status.image_id = xprintf("fake@%s", container->image);
		row->status.handler = xstrdup(pod->handler != NULL ? pod->handler : "fake");
		row->status.created_ms = fake_now_ms(fake);
		fake->starts++;
		*ret_ended = fake_run_row(fake, row);
		fake_table_touch(&fake->table, row);
	}
	snprintf(ret_id, 80, "%s", row->status.id);
	return fake_table_save(&fake->table, reterr);
}

static int fake_start_container(struct runtime *runtime, const struct runtime_pod *pod,
				const struct runtime_container *container, char ret_id[80],
				struct buf *notes UNUSED, struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	bool ended = false;
	int code;

	if (fake_image_is(container->image, "fake/broken")) {
		return error_set(reterr, -EINVAL, "exec: \"/broken\": no such file or directory");
	}
	code = fake_start_row(fake, pod, container, ret_id, &ended, reterr);
	if (ended) {
		fake->changed(fake->arg, pod->uid);
	}
	return code;
}

static int fake_stop_container(struct runtime *runtime, const char *id, uint32_t grace_s,
			       struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	uint64_t until = sched_now_us(fake->sched) + (uint64_t)grace_s * 1000000;
	struct fake_row *row;
	bool hangs;

	LOCKED(&fake->lock);
	row = fake_table_by_id(&fake->table, id);
	hangs = row != NULL && fake_image_is(row->status.image, "fake/hang");
	while (hangs && row != NULL && row->status.phase == RUNTIME_RUNNING &&
	       sched_cond_wait(&fake->never, &fake->lock, until) == 0) {
		row = fake_table_by_id(&fake->table, id);
	}
	row = fake_table_by_id(&fake->table, id);
	if (row == NULL || row->status.phase != RUNTIME_RUNNING) {
		return 0;
	}
	fake_end_row(fake, row, hangs ? 137 : 143);
	return fake_table_save(&fake->table, reterr);
}

static int fake_remove_container(struct runtime *runtime, const char *id, struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	struct fake_row *row;

	LOCKED(&fake->lock);
	row = fake_table_by_id(&fake->table, id);
	if (row != NULL) {
		fake_table_remove(&fake->table, row);
	}
	return fake_table_save(&fake->table, reterr);
}

static int fake_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		     struct error *reterr UNUSED)
{
	struct fake *fake = fake_of(runtime);

	LOCKED(&fake->lock);
	fake_table_list(&fake->table, uid, ret);
	return 0;
}

static int fake_exec(struct runtime *runtime UNUSED, const char *id UNUSED, const char *const *argv,
		     uint32_t timeout_ms UNUSED, struct buf *output, int *ret_exit,
		     struct error *reterr UNUSED)
{
	*ret_exit = strcmp(argv[0], "false") == 0;
	buf_append_str(output, argv[0]);
	return 0;
}

static int fake_logs(struct runtime *runtime, const char *id,
		     const struct runtime_log_options *options UNUSED,
		     int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		     struct error *reterr)
{
	struct fake *fake = fake_of(runtime);
	CLEANUP_FREE char *line = NULL;
	const struct fake_row *row;

	sched_mutex_lock(&fake->lock);
	row = fake_table_by_id(&fake->table, id);
	if (row != NULL) {
		line = xprintf("this is %s, attempt %u\n", row->status.name, row->status.attempt);
	}
	sched_mutex_unlock(&fake->lock);
	if (line == NULL) {
		return error_set(reterr, -ENOENT, "there is no container '%s'", id);
	}
	bytes(arg, line, strlen(line));
	return 0;
}

static void fake_destroy(struct runtime *runtime)
{
	struct fake *fake = fake_of(runtime);

	fake_table_finish(&fake->table);
	sched_cond_finish(&fake->never);
	sched_mutex_finish(&fake->lock);
	free(fake);
}

static const struct runtime_ops fake_ops = {
	.check = fake_check,
	.check_handler = fake_check_handler,
	.ensure_image = fake_ensure_image,
	.start_pod = fake_start_pod,
	.remove_pod = fake_remove_pod,
	.start_container = fake_start_container,
	.stop_container = fake_stop_container,
	.remove_container = fake_remove_container,
	.list = fake_list,
	.exec = fake_exec,
	.logs = fake_logs,
	.destroy = fake_destroy,
};

int fake_runtime_create(struct sched *sched, const char *file, runtime_changed changed, void *arg,
			struct runtime **ret, struct error *reterr)
{
	struct fake *fake = xnew(struct fake);
	int code;

	fake->runtime.ops = &fake_ops;
	fake->sched = sched;
	fake->changed = changed;
	fake->arg = arg;
	sched_mutex_init(&fake->lock, sched);
	sched_cond_init(&fake->never, sched);
	code = fake_table_load(&fake->table, file, reterr);
	if (code < 0) {
		fake_destroy(&fake->runtime);
		return code;
	}
	*ret = &fake->runtime;
	return 0;
}

/* ---- for tests ---- */

void fake_runtime_exit(struct runtime *runtime, const char *uid, const char *name, int exit_code)
{
	struct fake *fake = fake_of(runtime);

	{
		LOCKED(&fake->lock);
		for (size_t i = 0; i < fake->table.count; i++) {
			struct fake_row *row = fake->table.rows[i];

			if (row->status.phase == RUNTIME_RUNNING && row->status.name != NULL &&
			    strcmp(row->status.name, name) == 0 &&
			    strcmp(row->status.pod_uid, uid) == 0) {
				fake_end_row(fake, row, exit_code);
			}
		}
		sched_cond_broadcast(&fake->never);
	}
	fake->changed(fake->arg, uid);
}

uint32_t fake_runtime_pulls(struct runtime *runtime)
{
	struct fake *fake = fake_of(runtime);

	LOCKED(&fake->lock);
	return fake->pulls;
}

uint32_t fake_runtime_starts(struct runtime *runtime)
{
	struct fake *fake = fake_of(runtime);

	LOCKED(&fake->lock);
	return fake->starts;
}
