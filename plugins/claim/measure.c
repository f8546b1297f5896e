/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of a claim's start. The names, labels and buckets are those of the Go controller.
 * Called once when a Sandbox is made or taken for a claim, and once when the claim is first Ready. */
#include "config.h"

#include "plugins/claim/claim.h"

#define MEASURE_UNKNOWN "__unknown__" /* the template that nobody names */

const double measure_claim_buckets[] = { 100,  250,  500,   750,   1000,  1250,   1500,   2000,
					 2500, 5000, 10000, 30000, 60000, 120000, 240000, 0 };
const double measure_sandbox_buckets[] = { 50,     100,    250,    500,    1000,
					   2500,   5000,   10000,  30000,  60000,
					   120000, 240000, 300000, 600000, 0 };

static const char *measure_launch(bool warm)
{
	return warm ? "warm" : "cold";
}

static const char *measure_template(const struct pass *pass, struct json_object *sandbox)
{
	const char *name = asb_annotation(sandbox, ANNOTATION_TEMPLATE);

	if (name == NULL) {
		name = asb_str(pass->claim, "spec", "sandboxTemplateRef", "name");
	}
	return name != NULL && *name != '\0' ? name : MEASURE_UNKNOWN;
}

/* A label that anybody may set: only known values become series of their own. */
static const char *measure_creator(const struct pass *pass)
{
	static const char *const known[] = { "go-client", "python-client", "controller" };
	const char *creator = asb_label(pass->claim, LABEL_CREATED_BY);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (asb_streq(creator, known[i])) {
			return known[i];
		}
	}
	return "unknown";
}

void measure_created(struct pass *pass, struct json_object *sandbox, bool warm)
{
	const char *pool = asb_str(pass->claim, "spec", "warmPoolRef", "name");
	const char *const labels[] = {
		pass->key->ns,
		measure_template(pass, sandbox),
		measure_launch(warm),
		pool != NULL ? pool : "",
		asb_condition_is(sandbox, "Ready", "True") ? "ready" : "not_ready",
		measure_creator(pass),
	};

	pass->call->host->metric(pass->call->instance, METRIC_CREATIONS, 1, labels);
}

/* Observes the time from an annotation until now, if the annotation is a time and not after now: the
 * clocks of others may differ. */
static bool measure_since(struct pass *pass, enum claim_metric metric, const char *annotation,
			  const char *const *labels)
{
	const char *text = asb_annotation(pass->claim, annotation);
	int64_t since;

	if (text == NULL || !asb_time_parse(text, &since) || since > pass->now_ms) {
		return false;
	}
	pass->call->host->metric(pass->call->instance, metric, (double)(pass->now_ms - since),
				 labels);
	return true;
}

static void measure_sandbox(struct pass *pass, const char *launch, const char *claim_template)
{
	const char *const labels[] = { pass->key->ns, launch, claim_template };
	struct json_object *ready = asb_condition(pass->sandbox, "Ready");
	int64_t created, since;

	if (asb_time_parse(asb_str(pass->sandbox, "metadata", "creationTimestamp"), &created) &&
	    asb_time_parse(asb_str(ready, "lastTransitionTime"), &since)) {
		pass->call->host->metric(pass->call->instance, METRIC_SANDBOX_LATENCY,
					 since > created ? (double)(since - created) : 0, labels);
	}
}

void measure_ready(struct pass *pass)
{
	const char *pod = asb_annotation(pass->sandbox, ANNOTATION_POD_NAME);
	bool warm = asb_streq(asb_label(pass->sandbox, LABEL_LAUNCH_TYPE), "warm") ||
		    (pod != NULL && *pod != '\0');
	const char *claim_template = measure_template(pass, pass->sandbox);
	const char *const labels[] = { measure_launch(warm), claim_template };
	int64_t seen = pass->now_ms - pass->memory->seen_ms;

	measure_since(pass, METRIC_WEBHOOK_LATENCY, ANNOTATION_WEBHOOK_AT, labels);
	measure_since(pass, METRIC_CLIENT_LATENCY, ANNOTATION_REQUESTED_AT, labels);
	/* Without the annotation only a process that has seen the claim from its start knows. */
	if (!measure_since(pass, METRIC_CONTROLLER_LATENCY, ANNOTATION_OBSERVED_AT, labels) &&
	    pass->memory->launch != LAUNCH_UNKNOWN) {
		pass->call->host->metric(pass->call->instance, METRIC_CONTROLLER_LATENCY,
					 seen > 0 ? (double)seen : 0, labels);
	}
	measure_sandbox(pass, measure_launch(warm), claim_template);
}
