/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a pod's volumes and its sandbox, and describes the pod to the runtime. Called by
 * node/pod/run.c and node/pod/start.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "node/env/env.h"
#include "node/pod/pod-private.h"
#include "node/pod/security.h"

#define HOSTNAME_MAX 63u
#define ALIASES_MAX 1024u
#define ALIAS_MAX 4096u
#define CLASS_AGAIN_MS 10000

/* ---- volumes ---- */

/* Reports what a volume does not do, once in each process, and a directory that was taken over,
 * once for all. */
static void sandbox_report_volumes(struct pod_call *pc, bool first)
{
	for (size_t i = 0; i < pc->volumes.count; i++) {
		const struct volume *volume = &pc->volumes.items[i];

		if (volume->taken_over) {
			pod_event(
				pc, "Normal", "VolumeTakenOver",
				"volume \"%s\": its claim has taken over the directory that an earlier release made under the claim's name; it may hold files of an earlier claim of that name",
				volume->name);
		}
		if (first && volume->asked > 0) {
			pod_event(
				pc, "Warning", "NotSupported",
				"volume \"%s\": this node stores it in a directory and does not enforce its size of %llu bytes",
				volume->name, (unsigned long long)volume->asked);
		}
	}
}

bool pod_make_volumes(struct pod_call *pc)
{
	struct error error = { 0 };
	int code;

	if (pc->has_volumes) {
		return true;
	}
	code = volumes_make(pc->node->options->state_dir, &pc->node->source, pc->pod, &pc->volumes,
			    &error);
	if (code < 0) {
		pod_event(pc, "Warning", "FailedMount", "%s", error.text);
		pod_requeue_after(pc, code == -EINVAL ? BACKOFF_FIRST_MS : BACKOFF_FIRST_MS / 5);
		return false;
	}
	pc->has_volumes = true;
	sandbox_report_volumes(pc, pc->record->volumes_ms == 0);
	pc->record->volumes_ms = pc->view.now_ms;
	return true;
}

/* ---- the sandbox ---- */

/* "1.2.3.4 name other" for each entry of hostAliases. The caller's. */
static char **sandbox_host_aliases(struct json_object *pod)
{
	struct json_object *aliases = asb_array(pod, "spec", "hostAliases");
	size_t count = asb_length(aliases), lines = 0;

	count = count < ALIASES_MAX ? count : ALIASES_MAX;
	char **ret = xnew_array(char *, count + 1);

	for (size_t i = 0; i < count; i++) {
		struct json_object *alias = json_object_array_get_idx(aliases, i);
		struct json_object *names = asb_array(alias, "hostnames");
		CLEANUP_BUF struct buf line = BUF_INIT(ALIAS_MAX);
		const char *ip = asb_str(alias, "ip");

		buf_append_str(&line, ip != NULL ? ip : "");
		for (size_t j = 0; j < asb_length(names); j++) {
			const char *name = asb_as_str(json_object_array_get_idx(names, j));

			buf_printf(&line, " %s", name != NULL ? name : "");
		}
		ret[lines++] = buf_take(&line);
	}
	return ret;
}

/* At most 63 characters, without "-" or "." at the end, as a kubelet does. The caller's. */
static char *sandbox_hostname(struct json_object *pod)
{
	const char *given = asb_str(pod, "spec", "hostname"), *name = given;
	size_t length;

	if (given == NULL || *given == '\0') {
		name = asb_name(pod);
	}
	length = strnlen(name, HOSTNAME_MAX);
	while (length > 0 && (name[length - 1] == '-' || name[length - 1] == '.')) {
		length--;
	}
	return xstrndup(name, length);
}

/* *ret gets the handler of the pod's RuntimeClass, owned by the call, or NULL for the default.
 * False: it cannot be used, and an event says why. */
static bool sandbox_find_handler(struct pod_call *pc, const char **ret)
{
	const char *name = asb_str(pc->pod, "spec", "runtimeClassName");
	struct runtime *runtime = pc->node->runtime;
	struct json_object *class = NULL;
	struct error error = { 0 };
	int32_t code;

	*ret = NULL;
	if (name == NULL || *name == '\0') {
		return true;
	}
	code = pc->call->host->get_live(pc->call, WATCH_RUNTIME_CLASSES, "", name, &class);
	if (code != ASB_OK) {
		pod_event(pc, "Warning", "FailedCreatePodSandBox",
			  "Failed to create pod sandbox: RuntimeClass \"%s\" %s", name,
			  code == ASB_NOT_FOUND ? "not found" : "cannot be read");
		pod_requeue_after(pc, CLASS_AGAIN_MS);
		return false;
	}
	*ret = asb_str(class, "handler");
	if (*ret == NULL || runtime->ops->check_handler(runtime, *ret, &error) == 0) {
		return true;
	}
	pod_event(pc, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: %s",
		  error.text);
	pod_requeue_after(pc, CLASS_AGAIN_MS);
	return false;
}

void pod_strings_finish(struct pod_strings *strings)
{
	free(strings->hostname);
	strings_finish(strings->aliases);
	strings_finish(strings->network_sysctls);
	strings_finish(strings->container_sysctls);
}

bool pod_describe(struct pod_call *pc, struct runtime_pod *ret, struct pod_strings *ret_strings)
{
	struct error error = { 0 };
	const char *handler;

	if (!sandbox_find_handler(pc, &handler)) {
		return false;
	}
	if (sysctls_read(pc->pod, &ret_strings->network_sysctls, &ret_strings->container_sysctls,
			 &error) < 0) {
		pod_event(pc, "Warning", "SysctlForbidden", "%s", error.text);
		pod_requeue_after(pc, BACKOFF_MAX_MS);
		return false;
	}
	ret_strings->hostname = sandbox_hostname(pc->pod);
	ret_strings->aliases = sandbox_host_aliases(pc->pod);
	*ret = (struct runtime_pod){
		.ns = asb_ns(pc->pod),
		.name = asb_name(pc->pod),
		.uid = asb_uid(pc->pod),
		.handler = handler,
		.hostname = ret_strings->hostname,
		.host_network = asb_true(asb_at(pc->pod, "spec", "hostNetwork")),
		.host_aliases = (const char *const *)ret_strings->aliases,
		.sysctls = (const char *const *)ret_strings->network_sysctls,
	};
	return true;
}

bool pod_start_sandbox(struct pod_call *pc)
{
	struct pod_record *record = pc->record;
	int64_t left =
		backoff_wait_ms(&record->sandbox, record->sandbox_failed_ms, pc->view.now_ms);
	CLEANUP(pod_strings_finish) struct pod_strings strings = { 0 };
	struct error error = { 0 };
	struct runtime_pod pod;
	char ip[64];
	int code;

	if (left > 0) {
		pod_requeue_after(pc, left);
		return false;
	}
	if (!pod_make_volumes(pc) || !pod_describe(pc, &pod, &strings)) {
		return false;
	}
	code = pc->node->runtime->ops->start_pod(pc->node->runtime, &pod, ip, &error);
	if (code == 0) {
		record->sandbox = (struct backoff){ 0 };
		record->quick_tries = 0;
		return true;
	}
	if (code == -EAGAIN && record->quick_tries++ < QUICK_TRIES) {
		pod_requeue_after(pc, QUICK_TRY_MS);
		return false;
	}
	pod_event(pc, "Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: %s",
		  error.text);
	record->sandbox_failed_ms = pc->view.now_ms;
	backoff_try(&record->sandbox, pc->view.now_ms);
	pod_requeue_after(pc, record->sandbox.delay_ms);
	return false;
}
