/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the Node and renews its Lease. A thread of node/node.c. */
#include "config.h"

#include "node/registration/registration.h"

#include <agent-sandbox/helpers.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/client/lease.h"
#include "core/observe/log.h"
#include "node/node-private.h"

#define TEXT_MAX 4096
#define LINE_MAX_BYTES 256
#define FIRST_AGAIN_US 1000000u /* while there is no Node yet */

const struct asb_kind node_kind = {
	.group = "", .version = "v1", .plural = "nodes", .kind = "Node"
};
static const struct asb_kind namespace_kind = {
	.group = "", .version = "v1", .plural = "namespaces", .kind = "Namespace"
};

struct registration {
	struct node *node;
	struct sched_mutex lock;
	struct sched_cond changed;
	bool stopping; /* lock */
	struct sched_thread *thread;
	uint64_t looked_us; /* the thread's own, as all below */
	char uid[64];       /* of the Node, "" until it is there */
	bool logged;        /* a failure is logged once */
	struct utsname system;
	char machine_id[LINE_MAX_BYTES], boot_id[LINE_MAX_BYTES], uuid[LINE_MAX_BYTES];
	char os[LINE_MAX_BYTES];
};

/* ---- facts ---- */

/* The first line, or the value of KEY="value" in it. "" where there is none. */
static void registration_read_line(const char *path, const char *key, char ret[LINE_MAX_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX], *line = text;
	ssize_t got;

	ret[0] = '\0';
	if (fd < 0) {
		return;
	}
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	if (key != NULL) {
		line = strstr(text, key);
		line = line != NULL ? line + strlen(key) : text + strlen(text);
		line += *line == '"' ? 1 : 0;
	}
	snprintf(ret, LINE_MAX_BYTES, "%.*s", (int)strcspn(line, "\"\n"), line);
}

static uint64_t registration_storage_of(const char *directory)
{
	struct statvfs info;

	return statvfs(directory, &info) == 0 ? (uint64_t)info.f_blocks * info.f_frsize : 0;
}

static struct json_object *registration_make_status(struct registration *registration,
						    struct json_object *stored)
{
	struct node *node = registration->node;
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct error error = { 0 };
	bool good = node->runtime->ops->check(node->runtime, &text, &error) == 0;
	char version[160];
	struct node_facts facts = {
		.name = node->name,
		.ip = node->host_ip,
		.runtime_version = version,
		.runtime_good = good,
		.runtime_text = good ? buf_str(&text) : error.text,
		.storage = registration_storage_of(node->options->state_dir),
		.machine = registration->system.machine,
		.kernel = registration->system.release,
		.os_image = registration->os,
		.machine_id = registration->machine_id,
		.boot_id = registration->boot_id,
		.system_uuid = registration->uuid,
	};

	/* "podman 4.3.1 with runc" is podman://4.3.1 */
	const char *number = strchr(buf_str(&text), ' ');

	snprintf(version, sizeof(version), "%s://%.*s", node->runtime_name,
		 number != NULL ? (int)strcspn(number + 1, " ,;") : 0,
		 number != NULL ? number + 1 : "");
	registration_capacity((uint64_t)node->options->max_pods, &facts.capacity);
	return registration_status(stored, &facts, sched_wall_us(node->sched) / 1000);
}

/* ---- writing ---- */

static int registration_write_one(struct registration *registration, struct client_write *write,
				  struct json_object **ret)
{
	int result;

	write->priority = PRIORITY_LEASE;
	client_write_all(registration->node->client, write, 1);
	result = write->result;
	if (result == ASB_OK && ret != NULL) {
		*ret = json_parse(buf_str(&write->response), write->response.length, NULL);
	}
	if (result != ASB_OK && result != ASB_ALREADY_EXISTS && result != ASB_CANCELLED &&
	    result != ASB_NOT_FOUND && !registration->logged) {
		registration->logged = true;
		log_warning("cannot write the %s '%s', going on: %s", write->kind->kind,
			    write->name, write->message);
	}
	client_write_finish(write);
	return result;
}

static struct json_object *registration_read_one(struct registration *registration,
						 const struct asb_kind *kind, const char *ns,
						 const char *name, int *ret_code)
{
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);
	struct error error = { 0 };

	*ret_code = client_read(registration->node->client, kind, ns, name, PRIORITY_LEASE, &body,
				&error);
	if (*ret_code != ASB_OK && *ret_code != ASB_NOT_FOUND && *ret_code != ASB_CANCELLED &&
	    !registration->logged) {
		registration->logged = true;
		log_warning("cannot read the %s '%s', going on: %s", kind->kind, name, error.text);
	}
	return *ret_code == ASB_OK ? json_parse(buf_str(&body), body.length, NULL) : NULL;
}

/* ---- the Node ---- */

static struct json_object *registration_create_node(struct registration *registration)
{
	const char *name = registration->node->name;
	CLEANUP_JSON struct json_object *body = asb_new(&node_kind, "", name);
	struct json_object *made = NULL;
	struct client_write write = {
		.verb = ASB_CREATE, .kind = &node_kind, .ns = "", .name = name, .body = body
	};

	json_object_object_add(asb_object_in(body, "metadata"), "labels",
			       registration_labels(name));
	if (registration_write_one(registration, &write, &made) == ASB_OK) {
		log_info("registered the node '%s'", name);
	}
	return made;
}

/* A Node that existed before may lack our labels. */
static void registration_set_labels(struct registration *registration, struct json_object *stored)
{
	struct json_object *labels = registration_labels(registration->node->name);
	CLEANUP_JSON struct json_object *patch = json_object_new_object();
	struct client_write write = { .verb = ASB_PATCH_MERGE,
				      .kind = &node_kind,
				      .ns = "",
				      .name = registration->node->name,
				      .body = patch };
	bool same = true;

	json_object_object_foreach (labels, name, value) {
		same = same && asb_streq(asb_label(stored, name), asb_as_str(value));
	}
	json_object_object_add(asb_object_in(patch, "metadata"), "labels", labels);
	if (!same) {
		registration_write_one(registration, &write, NULL);
	}
}

static void registration_update_node(struct registration *registration)
{
	const char *name = registration->node->name;
	CLEANUP_JSON struct json_object *stored = NULL, *status = NULL;
	int code;

	stored = registration_read_one(registration, &node_kind, "", name, &code);
	if (code == ASB_NOT_FOUND) {
		stored = registration_create_node(registration);
	} else if (stored != NULL) {
		registration_set_labels(registration, stored);
	}
	if (stored == NULL || asb_uid(stored) == NULL) {
		return;
	}
	snprintf(registration->uid, sizeof(registration->uid), "%s", asb_uid(stored));
	if (registration->node->cordon != NULL) {
		registration->node->cordon(registration->node,
					   asb_true(asb_at(stored, "spec", "unschedulable")));
	}
	status = registration_make_status(registration, stored);
	if (!json_same(status, asb_at(stored, "status"))) {
		struct client_write write = { .verb = ASB_SET_STATUS,
					      .kind = &node_kind,
					      .ns = "",
					      .name = name,
					      .uid = registration->uid,
					      .body = status };

		registration->logged =
			registration_write_one(registration, &write, NULL) != ASB_OK &&
			registration->logged;
	}
	registration->looked_us = sched_now_us(registration->node->sched);
}

/* ---- the Lease ---- */

static struct json_object *registration_new_lease(struct registration *registration,
						  struct json_object *empty)
{
	struct node *node = registration->node;
	struct json_object *lease = lease_held(empty, node->name, LEASE_DURATION_S * 1000000u,
					       sched_wall_us(node->sched));
	struct json_object *owners = json_object_new_array(), *owner = json_object_new_object();

	json_object_object_del(asb_at(lease, "spec"), "leaseTransitions");
	json_object_object_del(asb_at(lease, "spec"), "acquireTime");
	asb_set_str(owner, "apiVersion", "v1");
	asb_set_str(owner, "kind", "Node");
	asb_set_str(owner, "name", node->name);
	asb_set_str(owner, "uid", registration->uid);
	json_object_array_add(owners, owner);
	json_object_object_add(asb_object_in(lease, "metadata"), "ownerReferences", owners);
	return lease;
}

static void registration_create_lease(struct registration *registration, struct json_object *lease)
{
	CLEANUP_JSON struct json_object *ns = asb_new(&namespace_kind, "", LEASE_NAMESPACE);
	struct client_write write = { .verb = ASB_CREATE,
				      .kind = &lease_kind,
				      .ns = LEASE_NAMESPACE,
				      .name = registration->node->name,
				      .body = lease };
	struct client_write first = { .verb = ASB_CREATE,
				      .kind = &namespace_kind,
				      .ns = "",
				      .name = LEASE_NAMESPACE,
				      .body = ns };

	if (registration_write_one(registration, &write, NULL) == ASB_NOT_FOUND) {
		registration_write_one(registration, &first, NULL);
		registration_write_one(registration, &write, NULL);
	}
}

static void registration_renew_lease(struct registration *registration)
{
	const char *name = registration->node->name;
	CLEANUP_JSON struct json_object *empty = asb_new(&lease_kind, LEASE_NAMESPACE, name);
	CLEANUP_JSON struct json_object *lease = registration_new_lease(registration, empty),
					*patch = NULL;
	struct client_write write = {
		.verb = ASB_PATCH_MERGE, .kind = &lease_kind, .ns = LEASE_NAMESPACE, .name = name
	};

	if (registration->uid[0] == '\0') {
		return;
	}
	patch = json_object_new_object();
	json_object_object_add(patch, "spec", asb_copy(asb_at(lease, "spec")));
	write.body = patch;
	if (registration_write_one(registration, &write, NULL) == ASB_NOT_FOUND) {
		registration_create_lease(registration, lease);
	}
}

/* ---- life ---- */

/* False: the node ends. */
static bool registration_wait(struct registration *registration, uint64_t until_us)
{
	LOCKED(&registration->lock);

	while (!registration->stopping && sched_now_us(registration->node->sched) < until_us) {
		sched_cond_wait(&registration->changed, &registration->lock, until_us);
	}
	return !registration->stopping;
}

static void registration_run(void *arg)
{
	struct registration *registration = arg;
	struct sched *sched = registration->node->sched;
	uint64_t next;

	do {
		next = sched_now_us(sched) + LEASE_RENEW_US;
		if (registration->looked_us == 0 ||
		    sched_now_us(sched) - registration->looked_us >= NODE_LOOK_US) {
			registration_update_node(registration);
		}
		registration_renew_lease(registration);
		if (registration->uid[0] == '\0') {
			next = sched_now_us(sched) + FIRST_AGAIN_US;
		}
	} while (registration_wait(registration, next));
}

struct registration *registration_create(struct node *node)
{
	struct registration *registration = xnew(struct registration);

	registration->node = node;
	uname(&registration->system);
	registration_read_line("/etc/machine-id", NULL, registration->machine_id);
	registration_read_line("/proc/sys/kernel/random/boot_id", NULL, registration->boot_id);
	registration_read_line("/sys/class/dmi/id/product_uuid", NULL, registration->uuid);
	registration_read_line("/etc/os-release", "PRETTY_NAME=", registration->os);
	sched_mutex_init(&registration->lock, node->sched);
	sched_cond_init(&registration->changed, node->sched);
	registration->thread = sched_start(node->sched, "register", registration_run, registration);
	return registration;
}

void registration_destroy(struct registration *registration)
{
	if (registration == NULL) {
		return;
	}
	sched_mutex_lock(&registration->lock);
	registration->stopping = true;
	sched_cond_broadcast(&registration->changed);
	sched_mutex_unlock(&registration->lock);
	sched_join(registration->thread);
	sched_cond_finish(&registration->changed);
	sched_mutex_finish(&registration->lock);
	free(registration);
}
