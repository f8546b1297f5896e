/* SPDX-License-Identifier: Apache-2.0 */
/* Reads CustomResourceDefinitions, and says what they mean. Called by controller/cluster-check.c. */
#include "config.h"

#include "controller/crd-report.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

static const char *const crd_names[CRD_KINDS] = {
	[CRD_SANDBOXES] = "sandboxes.agents.x-k8s.io",
	[CRD_TEMPLATES] = "sandboxtemplates.extensions.agents.x-k8s.io",
	[CRD_CLAIMS] = "sandboxclaims.extensions.agents.x-k8s.io",
	[CRD_WARM_POOLS] = "sandboxwarmpools.extensions.agents.x-k8s.io",
};

const char *crd_name(enum crd_kind kind)
{
	return crd_names[kind];
}

/* The version of that name in spec.versions; NULL for none. */
static struct json_object *crd_version(struct json_object *crd, const char *name)
{
	struct json_object *versions = asb_at(crd, "spec", "versions");

	for (size_t i = 0; i < asb_length(versions); i++) {
		struct json_object *version = json_object_array_get_idx(versions, i);

		if (asb_streq(asb_str(version, "name"), name)) {
			return version;
		}
	}
	return NULL;
}

static struct json_object *crd_spec_property(struct json_object *version, const char *name)
{
	return asb_at(version, "schema", "openAPIV3Schema", "properties", "spec", "properties",
		      name);
}

static bool crd_list_has(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		if (asb_streq(asb_as_str(json_object_array_get_idx(list, i)), text)) {
			return true;
		}
	}
	return false;
}

/* Whether a version has what only our definitions have. */
static bool crd_version_is_ours(enum crd_kind kind, struct json_object *version)
{
	switch (kind) {
	case CRD_SANDBOXES:
		return crd_spec_property(version, "origin") != NULL;
	case CRD_WARM_POOLS:
		return crd_spec_property(version, "members") != NULL;
	case CRD_TEMPLATES:
		return crd_list_has(
			asb_at(crd_spec_property(version, "networkPolicyManagement"), "enum"),
			"PerClaim");
	default:
		return crd_spec_property(version, "sandboxTemplateRef") != NULL &&
		       crd_spec_property(version, "warmPoolRef") != NULL;
	}
}

/* Whether a v1alpha1 that is not ours has what v0.1 did not have. */
static bool crd_alpha_is_newer(enum crd_kind kind, struct json_object *alpha)
{
	switch (kind) {
	case CRD_TEMPLATES:
		return crd_spec_property(alpha, "networkPolicyManagement") != NULL;
	case CRD_CLAIMS:
		return crd_spec_property(alpha, "warmpool") != NULL;
	default:
		return false;
	}
}

void crd_report_of(enum crd_kind kind, struct json_object *crd, struct crd_report *ret)
{
	struct json_object *alpha = crd_version(crd, "v1alpha1"),
			   *beta = crd_version(crd, "v1beta1"),
			   *stored = asb_at(crd, "status", "storedVersions");

	*ret = (struct crd_report){
		.name = crd_names[kind],
		.absent = crd == NULL,
		.ours = crd_version_is_ours(kind, beta != NULL ? beta : alpha),
		.alpha_served = asb_true(asb_at(alpha, "served")),
		.beta_served = asb_true(asb_at(beta, "served")),
		.alpha_stored = crd_list_has(stored, "v1alpha1"),
		.beta_stored = crd_list_has(stored, "v1beta1"),
		.webhook = asb_streq(asb_str(crd, "spec", "conversion", "strategy"), "Webhook"),
	};
	ret->newer_alpha =
		!ret->ours && alpha != NULL && (beta != NULL || crd_alpha_is_newer(kind, alpha));
}

static bool crd_report_has_foreign_objects(const struct crd_report *report)
{
	return report->newer_alpha && report->alpha_stored;
}

bool crd_report_harms(const struct crd_report *report)
{
	return report->webhook || crd_report_has_foreign_objects(report);
}

static const char *crd_report_origin(const struct crd_report *report)
{
	if (report->ours) {
		return "definition of this project";
	}
	if (report->newer_alpha) {
		return "definition of the Go controller v0.2 to v0.5";
	}
	return report->beta_served ? "definition of the Go controller v1"
				   : "definition of v1alpha1 alone";
}

static const char *crd_report_versions(bool alpha, bool beta)
{
	if (alpha && beta) {
		return "v1alpha1 and v1beta1";
	}
	return alpha ? "v1alpha1" : beta ? "v1beta1" : "none";
}

void crd_report_describe(const struct crd_report *report, struct buf *out)
{
	if (report->error != NULL) {
		buf_printf(out, "%s: cannot be read: %s", report->name, report->error);
	} else if (report->absent) {
		buf_printf(out, "%s: not there", report->name);
	} else {
		buf_printf(out, "%s: %s; served: %s; stored: %s; conversion: %s", report->name,
			   crd_report_origin(report),
			   crd_report_versions(report->alpha_served, report->beta_served),
			   crd_report_versions(report->alpha_stored, report->beta_stored),
			   report->webhook ? "by a webhook" : "none");
	}
}

void crd_report_advise(const struct crd_report *report, struct buf *out)
{
	if (report->error != NULL) {
		buf_printf(
			out,
			"%s: give the controller's ClusterRole the verb get for customresourcedefinitions, as deploy/manifest.yaml does\n",
			report->name);
		return;
	}
	if (report->webhook) {
		buf_printf(
			out,
			"%s: stop the Go controller, then switch its conversion off: kubectl patch crd %s --type merge -p '{\"spec\":{\"conversion\":{\"strategy\":\"None\",\"webhook\":null}}}'\n",
			report->name, report->name);
	}
	if (crd_report_has_foreign_objects(report)) {
		buf_printf(
			out,
			"%s: objects may be stored as v1alpha1 of the Go controller v0.2 to v0.5, which this one would take for those of v0.1: finish its migration to v1beta1 first, until status.storedVersions is v1beta1 alone\n",
			report->name);
	}
	if (report->absent || !report->ours) {
		buf_printf(out, "%s: apply the definition that comes with this controller%s\n",
			   report->name, report->absent ? "" : " in place of this one");
	}
}
