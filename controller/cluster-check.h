/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cluster looks like before the first write: the CustomResourceDefinitions of agent-sandbox,
 * and who holds the leases of its controllers. --check-cluster prints it, and a controller that is
 * about to start does not start where it would do harm (see controller/crd-report.h).
 */
#ifndef ASB_CONTROLLER_CLUSTER_CHECK_H
#define ASB_CONTROLLER_CLUSTER_CHECK_H

#include <stdint.h>

#include "controller/crd-report.h"
#include "core/client/client.h"
#include "core/client/leader.h"

/* A lease, by the times that are written in it: only for people to read. */
struct lease_report {
	const char *name; /* borrowed */
	char error[256];  /* not "": it could not be read */
	bool absent, live;
	char holder[256]; /* "": nobody */
	int64_t age_s;    /* since it was renewed */
};

struct cluster_check {
	size_t crd_count;
	struct crd_report crds[CRD_KINDS];
	char errors[CRD_KINDS][256];
	size_t lease_count;
	struct lease_report leases[LEADER_LEASES_MAX];
};

/* Reads the definitions: of Sandboxes alone, or with extensions of all kinds. 0, or -EAGAIN and
 * *reterr when the API server could not be asked. What it refuses to show is part of the result. */
int cluster_check_crds(struct client *client, bool extensions, struct cluster_check *ret,
		       struct error *reterr);
/* Adds the leases of that namespace. As cluster_check_crds. */
int cluster_check_leases(struct client *client, struct sched *sched, const char *ns,
			 const char *const names[LEADER_LEASES_MAX], struct cluster_check *ret,
			 struct error *reterr);
/* Whether a controller would do harm. */
bool cluster_check_harms(const struct cluster_check *check);
/* Whether one of the definitions could not be read. */
bool cluster_check_is_partial(const struct cluster_check *check);
/* A lease that somebody holds now; NULL for none. Borrowed. */
const struct lease_report *cluster_check_live_lease(const struct cluster_check *check);
/* Appends all that was found, what to do, and what this controller will do. */
void cluster_check_print(const struct cluster_check *check, struct buf *out);

#endif
