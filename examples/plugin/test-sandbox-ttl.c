/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of sandbox-ttl.c on the fake host: no API server, no waiting, no framework. Run by make
 * check; each function's name is the promise it checks.
 */
#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS 3600000u

const struct asb_plugin *asb_plugin_entry(void);

/* Ends the test with the line that does not hold. */
#define CHECK(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, \
				#condition);                                             \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

/* A world with a SandboxTTL "t" of one hour for the label team=ci. */
static struct asb_fake *world(void)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	asb_fake_put(
		fake,
		"{ apiVersion: examples.agents.x-k8s.io/v1alpha1, kind: SandboxTTL, metadata: { namespace: ns, name: t }, spec: { label: team=ci, ttlSeconds: 3600 } }");
	return fake;
}

/* A new claim, as old as nothing. */
static void add_claim(struct asb_fake *fake, const char *ns, const char *name, const char *labels)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxClaim, metadata: { namespace: %s, name: %s, labels: { %s } } }",
		ns, name, labels);
	asb_fake_put(fake, text);
}

static struct json_object *claim(struct asb_fake *fake, const char *name)
{
	return asb_fake_get(fake, "SandboxClaim", "ns", name);
}

/* A number of the status, or -1. */
static int64_t status(struct asb_fake *fake, const char *name)
{
	return asb_int(asb_at(asb_fake_get(fake, "SandboxTTL", "ns", "t"), "status", name), -1);
}

static void claim_lives_as_long_as_allowed_and_no_longer(void)
{
	struct asb_fake *fake = world();

	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_advance(fake, HOUR_MS - 1) == 0);
	CHECK(claim(fake, "a") != NULL);
	CHECK(asb_fake_advance(fake, 1) == 0);
	CHECK(claim(fake, "a") == NULL);
	CHECK(asb_streq(
		asb_fake_event(fake, 0),
		"Normal Reaped SandboxTTL ns/t: Deleted SandboxClaim 'a' at the age of 3600 s"));
	CHECK(asb_fake_metric(fake, "sandbox_ttl_reaped_total") == 1);
	CHECK(asb_fake_next_ms(fake) == -1);
	asb_fake_destroy(fake);
}

static void other_labels_and_namespaces_are_left_alone(void)
{
	struct asb_fake *fake = world();

	add_claim(fake, "ns", "a", "team: web, ci: team");
	add_claim(fake, "elsewhere", "a", "team: ci");
	CHECK(asb_fake_advance(fake, 10 * HOUR_MS) == 0);
	CHECK(asb_fake_count(fake, "SandboxClaim") == 2);
	CHECK(status(fake, "active") == 0);
	asb_fake_destroy(fake);
}

static void many_go_oldest_first_in_batches(void)
{
	struct asb_fake *fake = world();
	char name[16];

	add_claim(fake, "ns", "z", "team: ci");
	CHECK(asb_fake_advance(fake, 1000) == 0);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		add_claim(fake, "ns", name, "team: ci");
	}
	CHECK(asb_fake_settle(fake) == 0);
	CHECK(status(fake, "active") == 11);
	asb_fake_forget(fake);
	CHECK(asb_fake_advance(fake, HOUR_MS - 1000) == 0);
	CHECK(asb_streq(asb_fake_write(fake, 0), "REMOVE SandboxClaim ns/z"));
	CHECK(status(fake, "active") == 10 && status(fake, "reaped") == 1);
	asb_fake_restart(fake);
	CHECK(asb_fake_advance(fake, 1000) == 0);
	CHECK(status(fake, "active") == 0 && status(fake, "reaped") == 11);
	asb_fake_destroy(fake);
}

static void status_says_when_the_next_one_is_due(void)
{
	struct asb_fake *fake = world();
	struct json_object *ttl;

	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_settle(fake) == 0);
	ttl = asb_fake_get(fake, "SandboxTTL", "ns", "t");
	CHECK(asb_streq(asb_str(ttl, "status", "nextReapTime"), "2026-01-02T04:04:05Z"));
	asb_fake_delete(fake, "SandboxClaim", "ns", "a");
	CHECK(asb_fake_settle(fake) == 0);
	ttl = asb_fake_get(fake, "SandboxTTL", "ns", "t");
	CHECK(asb_at(ttl, "status", "nextReapTime") == NULL && status(fake, "active") == 0);
	asb_fake_destroy(fake);
}

static void nothing_is_written_when_nothing_changed(void)
{
	struct asb_fake *fake = world();

	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_settle(fake) == 0);
	asb_fake_forget(fake);
	CHECK(asb_fake_reconcile(fake, "ns", "t", NULL) == ASB_REQUEUE_AFTER);
	CHECK(asb_fake_writes(fake) == 0);
	asb_fake_destroy(fake);
}

/* Somebody takes the label away between our look and our write. */
static void save_claim(struct asb_fake *fake, void *arg)
{
	(void)arg;
	if (asb_label(claim(fake, "a"), "team") != NULL) {
		asb_fake_merge(fake, "SandboxClaim", "ns", "a",
			       "{ metadata: { labels: { team: null } } }");
	}
}

static void claim_that_lost_its_label_just_now_stays(void)
{
	struct asb_fake *fake = world();

	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_settle(fake) == 0);
	asb_fake_before_write(fake, save_claim, NULL);
	CHECK(asb_fake_advance(fake, 2 * HOUR_MS) == 0);
	CHECK(claim(fake, "a") != NULL);
	CHECK(status(fake, "active") == 0 && status(fake, "reaped") == 0);
	asb_fake_destroy(fake);
}

static void failed_delete_is_tried_again(void)
{
	struct asb_fake *fake = world();

	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_settle(fake) == 0);
	asb_fake_fail(fake, ASB_DELETE, "SandboxClaim", ASB_UNREACHABLE, "no response", false);
	CHECK(asb_fake_advance(fake, HOUR_MS) == 0);
	CHECK(claim(fake, "a") != NULL);
	CHECK(strstr(asb_fake_failure(fake), "no response") != NULL);
	CHECK(asb_fake_advance(fake, 1000) == 0);
	CHECK(claim(fake, "a") == NULL);
	asb_fake_destroy(fake);
}

/* The status is not written, or it is and its response is lost. */
static void failed_status_counts_nothing_twice_and_nothing_never(void)
{
	for (int done = 0; done < 2; done++) {
		struct asb_fake *fake = world();

		add_claim(fake, "ns", "a", "team: ci");
		CHECK(asb_fake_settle(fake) == 0);
		asb_fake_fail(fake, ASB_SET_STATUS, NULL, ASB_UNREACHABLE, "no response",
			      done != 0);
		CHECK(asb_fake_advance(fake, 2 * HOUR_MS) == 0);
		CHECK(status(fake, "reaped") == 1);
		asb_fake_destroy(fake);
	}
}

static void shortest_time_is_an_option(void)
{
	const char *const options[] = { "min-seconds", "7200", NULL };
	struct asb_fake *fake = asb_fake_create_with(asb_plugin_entry(), options);

	asb_fake_put(
		fake,
		"{ apiVersion: examples.agents.x-k8s.io/v1alpha1, kind: SandboxTTL, metadata: { namespace: ns, name: t }, spec: { label: team=ci, ttlSeconds: 1 } }");
	add_claim(fake, "ns", "a", "team: ci");
	CHECK(asb_fake_advance(fake, 2 * HOUR_MS - 1) == 0);
	CHECK(claim(fake, "a") != NULL);
	CHECK(asb_fake_advance(fake, 1) == 0);
	CHECK(claim(fake, "a") == NULL);
	asb_fake_destroy(fake);
}

static void spec_without_sense_is_not_retried(void)
{
	struct asb_fake *fake = world();

	asb_fake_merge(fake, "SandboxTTL", "ns", "t", "{ spec: { ttlSeconds: -1 } }");
	CHECK(asb_fake_reconcile(fake, "ns", "t", NULL) == ASB_TERMINAL_ERROR);
	asb_fake_delete(fake, "SandboxTTL", "ns", "t");
	CHECK(asb_fake_reconcile(fake, "ns", "t", NULL) == ASB_DONE);
	CHECK(asb_fake_writes(fake) == 0);
	asb_fake_destroy(fake);
}

int main(void)
{
	claim_lives_as_long_as_allowed_and_no_longer();
	other_labels_and_namespaces_are_left_alone();
	many_go_oldest_first_in_batches();
	status_says_when_the_next_one_is_due();
	nothing_is_written_when_nothing_changed();
	claim_that_lost_its_label_just_now_stays();
	failed_delete_is_tried_again();
	failed_status_counts_nothing_twice_and_nothing_never();
	shortest_time_is_an_option();
	spec_without_sense_is_not_retried();
	puts("sandbox-ttl: all tests passed");
	return 0;
}
