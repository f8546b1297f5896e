/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images for all pods of the node: one pull at a time of each, shared by all who wait for it, and a
 * backoff of each that fails (10 s doubling to 300 s). No call waits: the pods that asked are
 * woken when a pull has ended.
 */
#ifndef ASB_NODE_POD_IMAGES_H
#define ASB_NODE_POD_IMAGES_H

#include "base/error.h"
#include "base/sched.h"
#include "node/pod/jobs.h"
#include "node/runtime/runtime.h"

/* Wakes a pod by its uid. Any thread. */
typedef void (*images_wake)(void *arg, const char *uid);

struct images;
struct images *images_create(struct sched *sched, struct runtime *runtime, struct jobs *jobs,
			     images_wake wake, void *arg);
/* After the jobs have ended. */
void images_destroy(struct images *images);

enum image_state {
	IMAGE_PRESENT, /* it was present before the first pod asked */
	IMAGE_PULLED,
	IMAGE_SKIPPED, /* no registry answered, the present one is used */
	IMAGE_PULLING,
	IMAGE_FAILED, /* this is new, or waits for its backoff: see failure */
};

struct image_response {
	enum image_state state;
	bool began;       /* PULLING: by this call */
	uint64_t failure; /* FAILED: a number that changes with each try */
	int64_t left_ms;  /* FAILED: until the next one */
	int64_t took_ms;  /* PULLED */
	int code;         /* FAILED: of ensure_image */
	char text[512];   /* FAILED: why; SKIPPED: the note */
};

/* Asks for an image on behalf of a pod; may start a pull. */
void images_ask(struct images *images, const char *image, enum runtime_pull policy, const char *uid,
		struct image_response *ret);
/* The policy where a container names none: by the tag, as in Kubernetes. */
enum runtime_pull image_policy(const char *policy, const char *image);

#endif
