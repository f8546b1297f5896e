/* SPDX-License-Identifier: Apache-2.0 */
/* What a Node object says: labels and status. Called by node/registration/registration.c; pure but
 * for registration_capacity. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "node/registration/registration.h"

/* As Go names machines. */
static const char *status_architecture(const char *machine)
{
	if (strcmp(machine, "x86_64") == 0) {
		return "amd64";
	}
	return strcmp(machine, "aarch64") == 0 ? "arm64" : machine;
}

struct json_object *registration_labels(const char *name)
{
	struct json_object *labels = json_object_new_object();
	struct utsname system;
	const char *arch = uname(&system) == 0 ? status_architecture(system.machine) : "unknown";

	asb_set_str(labels, "kubernetes.io/hostname", name);
	asb_set_str(labels, "kubernetes.io/os", "linux");
	asb_set_str(labels, "kubernetes.io/arch", arch);
	asb_set_str(labels, "beta.kubernetes.io/os", "linux");
	asb_set_str(labels, "beta.kubernetes.io/arch", arch);
	return labels;
}

void registration_capacity(uint64_t max_pods, struct node_capacity *ret)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
	long size = sysconf(_SC_PAGESIZE);

	*ret = (struct node_capacity){
		.cpu_milli = cores > 0 ? (uint64_t)cores * 1000 : 1000,
		.memory = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0,
		.pods = max_pods,
	};
}

static void status_set_number(struct json_object *object, const char *name, uint64_t value,
			      const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)value, unit);
	asb_set_str(object, name, text);
}

static struct json_object *status_resources(const struct node_facts *facts)
{
	struct json_object *list = json_object_new_object();

	status_set_number(list, "cpu", facts->capacity.cpu_milli / 1000, "");
	status_set_number(list, "memory", facts->capacity.memory / 1024, "Ki");
	status_set_number(list, "pods", facts->capacity.pods, "");
	status_set_number(list, "ephemeral-storage", facts->storage / 1024, "Ki");
	return list;
}

static void status_add_address(struct json_object *list, const char *type, const char *address)
{
	struct json_object *entry = json_object_new_object();

	asb_set_str(entry, "type", type);
	asb_set_str(entry, "address", address);
	json_object_array_add(list, entry);
}

/* The heartbeat changes only together with something else, or when it is due. */
static void status_set_condition(struct json_object *conditions, const char *type, bool good,
				 const char *reason, const char *message, int64_t now_ms)
{
	struct json_object *condition = asb_condition_in(conditions, type);
	const char *status = good ? "True" : "False";
	int64_t beat = 0;
	bool same;
	char now[21];

	asb_time_format(now_ms, now);
	if (condition == NULL) {
		condition = json_object_new_object();
		asb_set_str(condition, "type", type);
		json_object_array_add(conditions, condition);
	}
	asb_time_parse(asb_str(condition, "lastHeartbeatTime"), &beat);
	same = asb_streq(asb_str(condition, "status"), status);
	if (!same) {
		asb_set_str(condition, "status", status);
		asb_set_str(condition, "lastTransitionTime", now);
	}
	if (!same || !asb_streq(asb_str(condition, "message"), message) ||
	    now_ms - beat >= NODE_HEARTBEAT_MS || now_ms < beat) {
		asb_set_str(condition, "lastHeartbeatTime", now);
	}
	asb_set_str(condition, "reason", reason);
	asb_set_str(condition, "message", message);
}

static void status_set_info(struct json_object *status, const struct node_facts *facts)
{
	struct json_object *info = asb_object_in(status, "nodeInfo");

	asb_set_str(info, "machineID", facts->machine_id);
	asb_set_str(info, "systemUUID", facts->system_uuid);
	asb_set_str(info, "bootID", facts->boot_id);
	asb_set_str(info, "kernelVersion", facts->kernel);
	asb_set_str(info, "osImage", facts->os_image);
	asb_set_str(info, "containerRuntimeVersion", facts->runtime_version);
	asb_set_str(info, "kubeletVersion", "agent-sandbox-node/" PACKAGE_VERSION);
	asb_set_str(info, "kubeProxyVersion", "");
	asb_set_str(info, "operatingSystem", "linux");
	asb_set_str(info, "architecture", status_architecture(facts->machine));
}

struct json_object *registration_status(struct json_object *node, const struct node_facts *facts,
					int64_t now_ms)
{
	struct json_object *status = asb_copy(asb_at(node, "status"));
	struct json_object *addresses = json_object_new_array(), *conditions;

	if (!json_object_is_type(status, json_type_object)) {
		json_object_put(status);
		status = json_object_new_object();
	}
	conditions = asb_array(status, "conditions");
	if (conditions == NULL) {
		conditions = json_object_new_array();
		json_object_object_add(status, "conditions", conditions);
	}
	json_object_object_add(status, "capacity", status_resources(facts));
	json_object_object_add(status, "allocatable", status_resources(facts));
	status_add_address(addresses, "InternalIP", facts->ip);
	status_add_address(addresses, "Hostname", facts->name);
	json_object_object_add(status, "addresses", addresses);
	status_set_condition(conditions, "MemoryPressure", false, "KubeletHasSufficientMemory",
			     "kubelet has sufficient memory available", now_ms);
	status_set_condition(conditions, "DiskPressure", false, "KubeletHasNoDiskPressure",
			     "kubelet has no disk pressure", now_ms);
	status_set_condition(conditions, "PIDPressure", false, "KubeletHasSufficientPID",
			     "kubelet has sufficient PID available", now_ms);
	status_set_condition(conditions, "Ready", facts->runtime_good,
			     facts->runtime_good ? "KubeletReady" : "KubeletNotReady",
			     facts->runtime_text, now_ms);
	status_set_info(status, facts);
	return status;
}
