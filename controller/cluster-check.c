/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a controller finds in a cluster, and puts it into words. Called by controller/process.c
 * before it starts, and by controller/check-cluster.c. */
#include "config.h"

#include "controller/cluster-check.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "core/client/lease.h"

static const struct asb_kind crd_kind = {
	.group = "apiextensions.k8s.io",
	.version = "v1",
	.plural = "customresourcedefinitions",
	.kind = "CustomResourceDefinition",
};

/* Reads an object; the caller's, or NULL when it is not there. 0, -EACCES when it is refused, or
 * -EAGAIN; *reterr for both. */
static int check_read(struct client *client, const struct asb_kind *kind, const char *ns,
		      const char *name, struct json_object **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);
	int32_t code = client_read(client, kind, ns, name, PRIORITY_STATUS, &body, reterr);

	*ret = NULL;
	if (code == ASB_OK) {
		*ret = json_parse(buf_str(&body), body.length, NULL);
		return *ret != NULL ? 0
				    : error_set(reterr, -EAGAIN, "'%s' is not a JSON object", name);
	}
	return code == ASB_NOT_FOUND                          ? 0
	       : code == ASB_FORBIDDEN || code == ASB_INVALID ? -EACCES
							      : -EAGAIN;
}

int cluster_check_crds(struct client *client, bool extensions, struct cluster_check *ret,
		       struct error *reterr)
{
	*ret = (struct cluster_check){ .crd_count = extensions ? CRD_KINDS : 1 };
	for (size_t i = 0; i < ret->crd_count; i++) {
		CLEANUP_JSON struct json_object *crd = NULL;
		struct error error = { 0 };
		int code =
			check_read(client, &crd_kind, "", crd_name((enum crd_kind)i), &crd, &error);

		if (code == -EAGAIN) {
			return error_set(reterr, -EAGAIN, "%s", error.text);
		}
		crd_report_of((enum crd_kind)i, crd, &ret->crds[i]);
		if (code < 0) {
			snprintf(ret->errors[i], sizeof(ret->errors[i]), "%.250s", error.text);
			ret->crds[i].error = ret->errors[i];
		}
	}
	return 0;
}

static void check_lease(struct json_object *lease, int64_t now_ms, struct lease_report *ret)
{
	const char *renewed = asb_str(lease, "spec", "renewTime");
	int64_t renewed_ms = 0;

	ret->absent = lease == NULL;
	snprintf(ret->holder, sizeof(ret->holder), "%.250s",
		 lease != NULL ? lease_holder(lease) : "");
	if (renewed != NULL && asb_time_parse(renewed, &renewed_ms)) {
		ret->age_s = (now_ms - renewed_ms) / 1000;
		/* One renewed in the future is not believed for longer than one of now. */
		ret->live = ret->holder[0] != '\0' &&
			    llabs(now_ms - renewed_ms) < (int64_t)(lease_duration_us(lease) / 1000);
	}
}

int cluster_check_leases(struct client *client, struct sched *sched, const char *ns,
			 const char *const names[LEADER_LEASES_MAX], struct cluster_check *ret,
			 struct error *reterr)
{
	for (size_t i = 0; i < LEADER_LEASES_MAX && names[i] != NULL; i++) {
		CLEANUP_JSON struct json_object *lease = NULL;
		struct error error = { 0 };
		struct lease_report *report = &ret->leases[i];
		int code = check_read(client, &lease_kind, ns, names[i], &lease, &error);

		if (code == -EAGAIN) {
			return error_set(reterr, -EAGAIN, "%s", error.text);
		}
		*report = (struct lease_report){ .name = names[i] };
		ret->lease_count++;
		if (code < 0) {
			snprintf(report->error, sizeof(report->error), "%.250s", error.text);
		} else {
			check_lease(lease, sched_wall_us(sched) / 1000, report);
		}
	}
	return 0;
}

bool cluster_check_harms(const struct cluster_check *check)
{
	for (size_t i = 0; i < check->crd_count; i++) {
		if (crd_report_harms(&check->crds[i])) {
			return true;
		}
	}
	return false;
}

bool cluster_check_is_partial(const struct cluster_check *check)
{
	for (size_t i = 0; i < check->crd_count; i++) {
		if (check->crds[i].error != NULL) {
			return true;
		}
	}
	return false;
}

const struct lease_report *cluster_check_live_lease(const struct cluster_check *check)
{
	for (size_t i = 0; i < check->lease_count; i++) {
		if (check->leases[i].live) {
			return &check->leases[i];
		}
	}
	return NULL;
}

/* ---- words ---- */

static void check_print_lease(const struct lease_report *lease, struct buf *out)
{
	buf_printf(out, "lease %s: ", lease->name);
	if (lease->error[0] != '\0') {
		buf_printf(out, "cannot be read: %s\n", lease->error);
	} else if (lease->absent) {
		buf_append_str(out, "not there\n");
	} else if (lease->holder[0] == '\0') {
		buf_append_str(out, "held by nobody\n");
	} else {
		buf_printf(out, "%s by '%s', renewed %" PRId64 " s ago\n",
			   lease->live ? "held" : "was held", lease->holder, lease->age_s);
	}
}

static void check_print_verdict(const struct cluster_check *check, struct buf *out)
{
	const struct lease_report *live = cluster_check_live_lease(check);

	if (cluster_check_harms(check)) {
		buf_append_str(out,
			       "Result: this controller does not start here: it would do harm.\n");
	} else if (cluster_check_is_partial(check)) {
		buf_append_str(
			out,
			"Result: this controller would start, but not all could be checked.\n");
	} else if (live != NULL) {
		buf_printf(
			out,
			"Result: this controller may start; it waits as long as '%s' renews its lease.\n",
			live->holder);
	} else {
		buf_append_str(out, "Result: this controller may start.\n");
	}
}

void cluster_check_print(const struct cluster_check *check, struct buf *out)
{
	const struct lease_report *live = cluster_check_live_lease(check);
	size_t before;

	buf_append_str(out, "Found:\n");
	for (size_t i = 0; i < check->crd_count; i++) {
		buf_append_str(out, "  ");
		crd_report_describe(&check->crds[i], out);
		buf_append_char(out, '\n');
	}
	for (size_t i = 0; i < check->lease_count; i++) {
		buf_append_str(out, "  ");
		check_print_lease(&check->leases[i], out);
	}
	buf_append_str(out, "To do:\n");
	before = out->length;
	for (size_t i = 0; i < check->crd_count; i++) {
		CLEANUP_BUF struct buf advice = BUF_INIT(4096);

		crd_report_advise(&check->crds[i], &advice);
		for (const char *line = buf_str(&advice); *line != '\0';) {
			size_t length = strcspn(line, "\n");

			buf_printf(out, "  %.*s\n", (int)length, line);
			line += length + (line[length] == '\n');
		}
	}
	if (live != NULL) {
		buf_printf(
			out,
			"  another controller is running: if it is the Go controller, scale its Deployment to 0; if it is one of this project, nothing\n");
	}
	if (out->length == before) {
		buf_append_str(out, "  nothing\n");
	}
	check_print_verdict(check, out);
}
