/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CustomResourceDefinition of agent-sandbox says about the objects stored under it, and
 * whether it is safe to reconcile them. Pure functions of trees.
 *
 * Two states are not safe. Conversion by a webhook needs the controller that serves it, so every
 * request for another version than the stored one fails without it. And objects that are stored as
 * v1alpha1 under the definitions of Go v0.2 to v0.5 mean something else than those of v0.1: under
 * our definitions they would read as if they were of v0.1.
 */
#ifndef ASB_CONTROLLER_CRD_REPORT_H
#define ASB_CONTROLLER_CRD_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/buf.h"

enum crd_kind { CRD_SANDBOXES, CRD_TEMPLATES, CRD_CLAIMS, CRD_WARM_POOLS, CRD_KINDS };

struct crd_report {
	const char *name;  /* of the CRD; static */
	const char *error; /* not NULL: it could not be read; borrowed from who read it */
	bool absent;
	bool ours;        /* has the marks by which this project tells v1alpha1 from v1beta1 */
	bool newer_alpha; /* its v1alpha1 is that of Go v0.2 or later */
	bool alpha_served, beta_served, alpha_stored, beta_stored;
	bool webhook; /* converts by a webhook */
};

/* The CRD's name. */
const char *crd_name(enum crd_kind kind);
/* crd is the object, or NULL when it is not there. */
void crd_report_of(enum crd_kind kind, struct json_object *crd, struct crd_report *ret);
/* Whether reconciling would do harm. */
bool crd_report_harms(const struct crd_report *report);
/* Appends one line without its line feed: what was found. */
void crd_report_describe(const struct crd_report *report, struct buf *out);
/* Appends what to do, a line with a line feed for each step; nothing when there is nothing to do. */
void crd_report_advise(const struct crd_report *report, struct buf *out);

#endif
