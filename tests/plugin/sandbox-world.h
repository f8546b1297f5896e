/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the Sandbox plugin share: a fake host with it loaded, objects put down in one
 * line, and questions about what came of them. Everything is in the namespace "ns".
 */
#ifndef TESTS_PLUGIN_SANDBOX_WORLD_H
#define TESTS_PLUGIN_SANDBOX_WORLD_H

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A test of its own world. */
#define WORLD_TEST(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

#define NAME_HASH "agents.x-k8s.io/sandbox-name-hash"
#define SANDBOX_UID "agents.x-k8s.io/sandbox-uid"
#define CLAIM_UID "agents.x-k8s.io/claim-uid"
#define POOL_LABEL "agents.x-k8s.io/pool"
#define TEMPLATE_LABEL "agents.x-k8s.io/sandbox-template-ref-hash"
#define POD_NAME "agents.x-k8s.io/pod-name"

const struct asb_plugin *asb_plugin_entry(void);

/* cmocka's setup and teardown: *state is the struct asb_fake. */
int world_setup(void **state);
int world_teardown(void **state);

/* Puts an object from YAML text made as printf makes it. */
struct json_object *world_put(struct asb_fake *fake, const char *format, ...) ASB_PRINTF(2, 3);
/* A Sandbox with one container; spec is more of its spec, such as "replicas: 0". */
struct json_object *world_sandbox(struct asb_fake *fake, const char *name, const char *spec);
/* A pool "pool" of template "tmpl" with one Running and Ready pod. */
void world_pool_pod(struct asb_fake *fake, const char *pod);
/* A claim of that template. */
void world_claim(struct asb_fake *fake, const char *name);
/* The Sandbox that the claim plugin makes for this claim, naming this pod. */
void world_claimed_sandbox(struct asb_fake *fake, const char *name, const char *pod);
/* All of these, reconciled, and what was written forgotten. */
void world_adopted(struct asb_fake *fake, const char *name, const char *pod);

/* The uid of an object that nobody else has to do with, for owner references that shall not be
 * collected. */
const char *world_other_uid(struct asb_fake *fake);
/* Gives an object's controller reference this uid. */
void world_change_owner(struct asb_fake *fake, const char *kind, const char *name, const char *uid);
/* A pod, Service or PersistentVolumeClaim that a ReplicaSet "rs" controls. */
void world_foreign(struct asb_fake *fake, const char *kind, const char *name);
/* Labels an object so that the store keeps it, whoever owns it. */
void world_show(struct asb_fake *fake, const char *kind, const char *name);
/* As world_foreign() with no owner at all. */
void world_unowned(struct asb_fake *fake, const char *kind, const char *name);
/* The object's uid; good for as long as the object. */
const char *world_uid(struct asb_fake *fake, const char *kind, const char *name);
/* Sets a pod's phase and its Ready condition ("True", "False"). */
void world_phase(struct asb_fake *fake, const char *pod, const char *phase, const char *ready);

/* Lets the next creations of a kind fail: a pass that wrote anything is repeated at once. */
void world_refuse(struct asb_fake *fake, const char *kind, int32_t result, const char *message,
		  int times);

/* The one condition of a Sandbox, word for word. */
void assert_condition(struct asb_fake *fake, const char *name, const char *status,
		      const char *reason, const char *message);
void assert_status_str(struct asb_fake *fake, const char *name, const char *member,
		       const char *value);
void assert_replicas(struct asb_fake *fake, const char *name, int replicas);
/* The writes since the last asb_fake_forget(), in order; ends in NULL. */
void assert_writes(struct asb_fake *fake, ...) ASB_SENTINEL;
/* Whether an event with this beginning ("Warning PodLost") was sent; how often. */
unsigned int world_events(struct asb_fake *fake, const char *beginning);
/* Whether a pod is controlled by the Sandbox of that name. */
bool world_owns(struct asb_fake *fake, const char *sandbox, const char *kind, const char *name);
bool world_exists(struct asb_fake *fake, const char *kind, const char *name);

#endif
