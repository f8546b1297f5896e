/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small universe for core and the plugins: the objects (apiserver/objects/objects.h), the processes that talk
 * to them through transports with faults, a kubelet, a garbage collector, and the checks that hold
 * at every version. Everything runs in threads of one simulated sched, so one seed is one history.
 */
#ifndef ASB_TESTS_SIM_WORLD_H
#define ASB_TESTS_SIM_WORLD_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "apiserver/objects/objects.h"
#include "base/map.h"
#include "base/sched.h"
#include "core/controller/manager.h"
#include "core/controller/plugin.h"
#include "net/transport.h"

enum { POD, SERVICE, NETWORK_POLICY, PVC, EVENT, LEASE, SANDBOX, TEMPLATE, CLAIM, POOL, KINDS };
extern const struct asb_kind world_kinds[KINDS];

/* A pod of a user that merely carries labels of ours; where a Go controller has been. */
#define WORLD_BYSTANDER "bystander"
/* The pool of Sandboxes. */
#define WORLD_SANDBOXES "sandboxes"
#define WORLD_PLUGINS 4
#define WORLD_PROCESSES 8 /* in the whole life of a world, restarts included */

/* How a world misbehaves; probabilities in thousandths. */
struct world_config {
	uint64_t seed;
	unsigned int claims;
	unsigned int replicas;    /* of the pool; 0: no pool */
	unsigned int sandboxes;   /* of the pool of Sandboxes at most; 0: no such pool */
	bool recreate;            /* that pool replaces stale members at once */
	unsigned int controllers; /* with leader election when more than one */
	uint32_t delay_us;        /* each request and each watch event waits up to this long */
	uint32_t refuse;          /* 429, 500 or a refused connection: nothing is done */
	uint32_t lose;            /* done, but the response is lost */
	uint32_t cut;             /* a watch ends, after an event */
	uint32_t compact;         /* the history is compacted, after a write */
	uint32_t flap;            /* a pod is not Ready for a moment, after it became Ready */
	uint32_t breaks;          /* a pod that is being claimed turns not Ready for ever */
	uint32_t kill;            /* a claimed pod is lost */
	bool together;            /* all claims come at once */
	bool slow;                /* users think for seconds between two deeds */
	bool hasty;               /* claims come while the pool is still being filled */
	bool users;               /* claims are deleted, the pool scaled, the template changed */
	unsigned int crash_write; /* the first process dies at its n-th write; 0: never */
	bool crash_after;         /* ... after it was done */
	/* a process stops for 40 s at its n-th PATCH of a pod, past its renew deadline; 0: never */
	unsigned int pause_adoption;
	/* the public Go controller serves the claims first and is killed after so many writes; 0:
	 * there was none */
	unsigned int foreign_writes;
	bool foreign_late; /* ... one more write of it arrives when ours run already */
	bool trace;        /* print each write */
};

struct world;

/* One controller process, as the API server sees it. */
struct process {
	struct transport transport; /* first: what the manager holds */
	struct world *world;
	struct manager *manager;
	unsigned int number;
	unsigned int writes, adoptions;
	unsigned int crash_write, pause_adoption;
	bool crash_after;
	uint64_t paused_until_us; /* world.lock */
	bool dead;                /* world.lock: nothing of it reaches the server any more */
	bool stopped;             /* world.lock: its transport was stopped */
};

/* A pod that a Sandbox has owned is that Sandbox's for ever. */
struct adoption {
	char pod[64], sandbox[64]; /* uids */
};

/* A live look of a process at a Sandbox. */
struct question {
	char key[300];    /* "<process>/<name>" */
	uint64_t version; /* of the world, when it was last answered */
};

struct world {
	struct sched *sched;
	struct world_config config;
	const struct plugin *plugins;

	struct sched_mutex lock;
	struct sched_cond changed;
	struct objects *objects; /* all that follows is guarded by lock */
	bool over;
	uint64_t last_write_us;
	struct process processes[WORLD_PROCESSES];
	unsigned int process_count;
	uint64_t checked;           /* versions up to this have been checked */
	unsigned int replicas_most; /* the pool was ever that large */
	bool template_changed;
	struct map adopted;        /* struct adoption by pod */
	struct map promised;       /* struct adoption: pods without an owner that a Sandbox names */
	unsigned int foreign_pods; /* of the pool, made by the Go controller */
	struct map asked;          /* struct question by key */
	struct map troubled;       /* keys of objects, see world_trouble */
	unsigned int counts[KINDS][7]; /* successful writes by the controllers, by kind and verb */
	unsigned int needless;         /* writes that changed nothing, without an excuse */
	char broken[260];              /* the pod that is not Ready for ever; "": none */
	unsigned int killed;           /* claimed pods the world took away */
	char failure[512];             /* the first invariant that broke */
};

/* Runs one world to its end. Returns whether all invariants held; *ret_trace is the hash of its
 * history. */
bool world_run(const struct world_config *config, const struct plugin *plugins, uint64_t *ret_trace,
	       struct world *ret_world);

/* Notes the first broken invariant. With the lock held. */
void world_fail(struct world *world, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* Waits in virtual time. Without the lock. */
void world_sleep(struct world *world, uint64_t delay_us);
/* True about thousandths times in 1000. */
bool world_chance(struct world *world, uint32_t thousandths);
/* A process may not know how this object is now: it may write again what is there. With the lock
 * held. */
void world_trouble(struct world *world, const char *plural, const char *ns, const char *name);
/* Something was written: checks and wakes everybody. With the lock held. */
void world_changed(struct world *world);

/* --- checks.c: with the lock held --- */
void check_changes(struct world *world);
/* A process has looked at this object live. */
void check_asked(struct world *world, const struct process *process, const struct asb_kind *kind,
		 const char *name);
/* expected: the resourceVersion that is to be deleted, or NULL for any. */
void check_delete(struct world *world, const struct process *process, struct json_object *object,
		  const char *expected);
void check_rest(struct world *world);

/* --- wire.c --- */
extern const struct transport_ops wire_ops;

/* --- actors.c: bodies of threads, arg is the world --- */
void actor_kubelet(void *arg);
void actor_collector(void *arg);
void actor_users(void *arg);

/* --- foreign.c: the same for the public Go controller --- */
void actor_foreign(void *arg);
/* The one write that was on its way when it was killed. */
void actor_foreign_late(void *arg);

#endif
