/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the warm pool share: a namespace with a template and a pool, and the plugin
 * with a host table of ours between it and the fake host, which sees calls, hides pods and loses
 * reads.
 */
#ifndef TESTS_PLUGIN_WARMPOOL_WORLD_H
#define TESTS_PLUGIN_WARMPOOL_WORLD_H

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>

#define POOL_KIND "SandboxWarmPool"
#define HASH_ANNOTATION "agents.x-k8s.io/pod-template-hash"

/* What the table of ours does and has seen. One test, one world. */
struct spy {
	bool store_is_blind; /* members are not in the store: the stream is late */
	bool reads_fail;
	bool too_many;           /* what has no response is a 429 */
	bool keeps_memory;       /* as if nobody had seen the pool go */
	const char *hides;       /* a live pod of the current hash that is not in the store */
	struct asb_fake *racing; /* after the next list a claim of the pool's name takes a pod */
	unsigned int reads, calls, listed; /* calls: of get, list and count */
	uint32_t priorities;               /* bit n: priority n was used */
	unsigned int bad_removes;          /* without uid or resourceVersion */
	char hash[65];                     /* of the template "tmpl", as helpers.h makes it */
};
extern struct spy spy;

struct asb_fake *world_create(void);
/* The same with template "tmpl", of that image, and pool "pool". */
struct asb_fake *world_with_pool(int replicas, const char *image);
void put_template(struct asb_fake *fake, const char *image);
void put_pool(struct asb_fake *fake, int replicas);
/* A pod in phase Running with these labels, annotations and owners (flow YAML, "" for none). */
void put_pod(struct asb_fake *fake, const char *name, const char *labels, const char *annotations,
	     const char *owners);
/* A controller reference for put_pod to an object that exists; kind and group are anybody's word.
 */
void owner_text(char ret[256], const char *api_version, const char *kind,
		struct json_object *owner);
void scale(struct asb_fake *fake, int replicas);
void set_phase(struct asb_fake *fake, const char *pod, const char *phase);
/* Marks the pod as a claim's Sandbox would: another controller, no pool label. */
void take_pod(struct asb_fake *fake, const char *pod);
void ready_all(struct asb_fake *fake);

/* The n-th pod that is neither ended nor terminating; NULL past the last. */
struct json_object *live_pod(struct asb_fake *fake, unsigned int n);
unsigned int live_pods(struct asb_fake *fake);
/* How many live pods have this image in their first container. */
unsigned int pods_of(struct asb_fake *fake, const char *image);
/* A copy of the name of the n-th live pod, valid until the same n is asked for again. */
const char *live_name(struct asb_fake *fake, unsigned int n);
/* How many writes, or events, begin with this text. */
unsigned int wrote(struct asb_fake *fake, const char *prefix);
unsigned int told(struct asb_fake *fake, const char *prefix);
int64_t status_of(struct asb_fake *fake, const char *field);

#endif
