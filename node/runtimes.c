/* SPDX-License-Identifier: Apache-2.0 */
/* The table of runtimes. Called by node/node.c. */
#include "config.h"

#include "node/runtimes.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "node/podman/podman.h"
#include "node/process/process.h"
#include "node/runtime/fake.h"

static int runtimes_create_podman(struct sched *sched, const struct node_options *options,
				  const char *node_name, runtime_changed changed, void *arg,
				  struct runtime **ret, struct error *reterr)
{
	CLEANUP_FREE char *directory = xprintf("%s/podman", options->state_dir);
	struct podman_config config = { .state_dir = directory, .node = node_name };

	return podman_runtime_create(sched, &config, changed, arg, ret, reterr);
}

static int runtimes_create_fake(struct sched *sched, const struct node_options *options,
				const char *node_name UNUSED, runtime_changed changed, void *arg,
				struct runtime **ret, struct error *reterr)
{
	CLEANUP_FREE char *file = xprintf("%s/fake.json", options->state_dir);

	return fake_runtime_create(sched, file, changed, arg, ret, reterr);
}

static int runtimes_create_process(struct sched *sched, const struct node_options *options,
				   const char *node_name UNUSED, runtime_changed changed, void *arg,
				   struct runtime **ret, struct error *reterr)
{
	CLEANUP_FREE char *directory = xprintf("%s/process", options->state_dir);

	return process_runtime_create(sched, directory, options->process_images, changed, arg, ret,
				      reterr);
}

static const struct runtime_kind kinds[] = {
	{ "podman", runtimes_create_podman, true },
	{ "process", runtimes_create_process, true },
	{ "fake", runtimes_create_fake, false },
};

const struct runtime_kind *runtime_kind_find(const char *name, struct error *reterr)
{
	CLEANUP_BUF struct buf names = BUF_INIT(256);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return &kinds[i];
		}
		buf_printf(&names, "%s%s", i == 0 ? "" : " or ", kinds[i].name);
	}
	error_set(reterr, -EINVAL, "--runtime takes %s, not '%s'", buf_str(&names), name);
	return NULL;
}
