/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of pools of Sandboxes share: a namespace with template "tmpl" and pool "pool" of
 * v1beta1, on the fake host. The controllers of Sandboxes and pods do not run: the tests say what
 * they would have written.
 */
#ifndef TESTS_PLUGIN_SANDBOX_POOL_WORLD_H
#define TESTS_PLUGIN_SANDBOX_POOL_WORLD_H

#include "tests/plugin/warmpool-world.h"

#define BETA "apiVersion: extensions.agents.x-k8s.io/v1beta1, "

const struct asb_plugin *asb_plugin_entry(void);

/* A template of that image and a pool; options: name, value, ..., NULL, or NULL. */
struct asb_fake *beta_world(int replicas, const char *image, const char *const *options);
void put_beta_template(struct asb_fake *fake, const char *image);
/* A pool with these further fields of its spec (flow YAML, "" for none). */
void put_beta_pool(struct asb_fake *fake, int replicas, const char *fields);
/* A Sandbox without a controller that was made from this world's template, of that image, with the
 * labels of the pool and these further ones. */
void put_orphan_sandbox(struct asb_fake *fake, const char *name, const char *image,
			const char *labels);
/* Sets the conditions of a Sandbox (flow YAML, a list without brackets). */
void set_conditions(struct asb_fake *fake, const char *name, const char *conditions);
void make_ready(struct asb_fake *fake, const char *name);
void make_all_ready(struct asb_fake *fake);
/* Moves a Sandbox from its pool to a claim, as the claim plugin does. The template stands for the
 * claim: an owner must exist. */
void claim_sandbox(struct asb_fake *fake, const char *name);
/* The n-th Sandbox whose controller is the pool, terminating ones too; NULL past the last. */
struct json_object *member(struct asb_fake *fake, unsigned int n);
unsigned int members(struct asb_fake *fake);
/* A copy of the name of the n-th member, valid until the same n is asked for again. */
const char *member_name(struct asb_fake *fake, unsigned int n);
/* How many members have this image in their first container. */
unsigned int members_of(struct asb_fake *fake, const char *image);

#endif
