/* SPDX-License-Identifier: Apache-2.0 */
/* The world that the tests of the claim plugin share: a template "t" in namespace "default",
 * claims, pools and pods in few words, and the part of the Sandbox plugin played by hand. */
#ifndef ASB_TESTS_PLUGIN_TEST_CLAIM_WORLD_H
#define ASB_TESTS_PLUGIN_TEST_CLAIM_WORLD_H

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The hash of the podTemplate of every template of world_template(). */
#define WORLD_HASH "4f52dd0242f6c1512be974f4898a0914f1fea1e8d65f2dcb29f1d4982fa1c815"
#define WORLD_OLD_HASH "00000000000000000000000000000000000000000000000000000000000000aa"

extern const struct asb_plugin *asb_plugin_entry(void);

/* A host with the plugin and the template "t", without a NetworkPolicy. */
struct asb_fake *world_create(void);
/* Puts an object from a format; namespace default is the caller's to write. */
void world_put(struct asb_fake *fake, const char *format, ...) ASB_PRINTF(2, 3);
/* network_policy: YAML flow text, or NULL for none. */
void world_template(struct asb_fake *fake, const char *name, const char *network_policy);
/* A claim of template "t"; more: further members of its spec, as ", lifecycle: {...}", or "". */
void world_claim(struct asb_fake *fake, const char *name, const char *more);
void world_pool(struct asb_fake *fake, const char *name, const char *claim_template);
/* A pod of a pool. ready_since: Ready since then, or NULL. hash: annotation, or NULL for none. */
void world_pod(struct asb_fake *fake, const char *pool, const char *name, const char *ready_since,
	       const char *hash);
/* Writes an owner reference as YAML flow text. Its uid must be some object's, or what it owns is
 * collected. */
#define WORLD_OWNER_SIZE 512
void world_owner(char ret[WORLD_OWNER_SIZE], const char *version, const char *kind, const char *uid,
		 bool controller);
#define WORLD_EXTENSIONS "extensions.agents.x-k8s.io/v1alpha1"
/* What the Sandbox plugin would report, and settles. */
void world_report(struct asb_fake *fake, const char *sandbox, const char *status,
		  const char *reason, const char *message);
/* The same with True, DependenciesReady. */
void world_sandbox_ready(struct asb_fake *fake, const char *sandbox);

/* Objects of namespace default; get fails the test when there is none. */
struct json_object *world_get(struct asb_fake *fake, const char *kind, const char *name);
bool world_has(struct asb_fake *fake, const char *kind, const char *name);
/* The pod that a Sandbox names, or "". */
const char *world_pod_of(struct asb_fake *fake, const char *sandbox);
/* How many recorded events contain text. */
unsigned int world_events(struct asb_fake *fake, const char *text);

/* Checks the condition Ready of a claim; message NULL: any. */
void world_assert_ready(struct asb_fake *fake, const char *claim, const char *status,
			const char *reason, const char *message);
/* Checks exactly these writes since the last look, and forgets them: ..., NULL. */
void world_assert_writes(struct asb_fake *fake, ...) ASB_SENTINEL;
void world_settle(struct asb_fake *fake);

#endif
