/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operatingMode of a Sandbox beside its replicas, which a client of the other version may have
 * set: a Sandbox is suspended by either, and only the field that suspended it resumes it, but for
 * one case. Called by reconcile.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

static enum sandbox_mode mode_of(struct pass *pass)
{
	const char *mode = asb_str(pass->sandbox, "spec", "operatingMode");

	if (mode == NULL) {
		return MODE_UNSET;
	}
	return strcmp(mode, "Suspended") == 0 ? MODE_SUSPENDED : MODE_RUNNING;
}

void mode_follow(struct pass *pass)
{
	enum sandbox_mode before = (enum sandbox_mode)pass->memory->mode, now = mode_of(pass);
	struct json_object *patch;
	struct asb_write write;
	struct child child = { 0 };

	pass->memory->mode = now;
	if (before == MODE_NOT_SEEN || before == now || now != MODE_RUNNING ||
	    pass->suspended != DIALECT_SUSPENDED_REPLICAS) {
		return;
	}
	patch = json_object_new_array();
	asb_patch(patch, "test", json_object_new_string("Running"), "spec", "operatingMode");
	asb_patch(patch, "test", json_object_new_int(0), "spec", "replicas");
	asb_patch(patch, "replace", json_object_new_int(1), "spec", "replicas");
	write = asb_patch_of(WATCH_SANDBOX, pass->sandbox, ASB_PATCH_JSON, patch);
	if (asb_write(pass->call, &write) != ASB_OK) {
		/* The next reconcile decides again by what it finds. */
		pass->memory->mode = before;
		pass_classify(pass, &child, &write);
		pass_stop(pass, "spec.replicas could not be set to 1");
		return;
	}
	pass->sandbox = write.ret != NULL ? write.ret : pass->sandbox;
	pass->suspended = 0;
	pass->wanted = true;
}
