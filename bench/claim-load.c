/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts load on an API server: sends the chain of requests of a script for each of its items, by many workers at once or at a steady
 * rate, and says as JSON when each was sent, answered and (with --watch) Ready. Run by bench/claims.py.
 *
 *	claim-load --kubeconfig FILE --script FILE [--workers N] [--rate PER-SECOND] [--watch PATH] [--timeout SECONDS]
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "bench/load-script.h"
#include "bench/load-watch.h"
#include "core/config/kubeconfig.h"
#include "net/curl-transport.h"

#define REQUEST_TIMEOUT_MS 60000u
#define BODY_MAX (2u << 20)
#define WORKERS_MAX 256

struct options {
	const char *kubeconfig, *script, *watch;
	int64_t workers, timeout_s;
	double rate; /* 0: as fast as it goes */
};

/* One item's times, since boot. */
struct times {
	uint64_t sent, answered, ready;
};

struct load {
	struct options options;
	struct sched *sched;
	struct transport *transport;
	struct load_script script;
	struct load_watch watch;
	struct times *times;
	uint64_t began;

	struct sched_mutex lock;
	struct sched_cond clock;
	size_t next;     /* lock */
	size_t failed;   /* lock */
	char error[600]; /* lock: the first failure */
};

/* ---- sending ---- */

static void note_failure(struct load *load, const char *path, const struct http_response *response)
{
	LOCKED(&load->lock);
	if (load->failed++ == 0) {
		snprintf(load->error, sizeof(load->error), "%.200s: %d %.100s %.250s", path,
			 response->status, response->error, buf_str(&response->body));
	}
}

static void keep_uid(const struct http_response *response, char ret[LOAD_UID_SIZE])
{
	CLEANUP_JSON struct json_object *object =
		json_parse(buf_str(&response->body), response->body.length, NULL);
	const char *uid = asb_uid(object);

	snprintf(ret, LOAD_UID_SIZE, "%s", uid != NULL ? uid : "");
}

/* Whether a later step speaks of this one's UID. */
static bool is_needed(const struct load *load, size_t step)
{
	char mark[8] = "@uid0@";

	mark[4] = (char)('0' + step);
	for (size_t i = step + 1; i < load->script.step_count; i++) {
		const struct load_step *later = &load->script.steps[i];

		if (strstr(later->path, mark) != NULL ||
		    (later->body != NULL && strstr(later->body, mark) != NULL)) {
			return true;
		}
	}
	return false;
}

static bool send_step(struct load *load, size_t item, size_t number, char (*uids)[LOAD_UID_SIZE])
{
	const struct load_step *step = &load->script.steps[number];
	CLEANUP_BUF struct buf path = BUF_INIT(16384);
	CLEANUP_BUF struct buf body = BUF_INIT(BODY_MAX);
	CLEANUP(http_response_finish) struct http_response response = { 0 };
	struct http_request request = { .method = step->method, .timeout_ms = REQUEST_TIMEOUT_MS };
	bool good;

	load_script_expand(&load->script, item, uids, step->path, &path);
	request.path = buf_str(&path);
	if (step->body != NULL) {
		load_script_expand(&load->script, item, uids, step->body, &body);
		request.content_type =
			step->content_type != NULL ? step->content_type : "application/json";
		request.body = buf_str(&body);
		request.body_length = body.length;
	}
	transport_perform(load->transport, &request, &response, 1);
	good = response.result == 0 && response.status >= 200 && response.status < 300;
	if (!good) {
		note_failure(load, request.path, &response);
	} else if (is_needed(load, number)) {
		keep_uid(&response, uids[number]);
	}
	return good;
}

/* The next item, when its time has come; false: there is none. */
static bool take_item(struct load *load, size_t *ret)
{
	LOCKED(&load->lock);
	uint64_t due;

	if (load->next >= load->script.item_count) {
		return false;
	}
	*ret = load->next++;
	due = load->options.rate > 0
		      ? load->began + (uint64_t)((double)*ret * 1e6 / load->options.rate)
		      : load->began;
	while (sched_now_us(load->sched) < due) {
		sched_cond_wait(&load->clock, &load->lock, due);
	}
	return true;
}

static void work(void *arg)
{
	struct load *load = arg;
	char uids[LOAD_STEPS_MAX][LOAD_UID_SIZE];
	size_t item;

	while (take_item(load, &item)) {
		load->times[item].sent = sched_now_us(load->sched);
		for (size_t step = 0;
		     step < load->script.step_count && send_step(load, item, step, uids); step++) {
		}
		load->times[item].answered = sched_now_us(load->sched);
	}
}

static void send_all(struct load *load)
{
	struct sched_thread *threads[WORKERS_MAX];

	load->began = sched_now_us(load->sched);
	for (int64_t i = 0; i < load->options.workers; i++) {
		threads[i] = sched_start(load->sched, "worker", work, load);
	}
	for (int64_t i = 0; i < load->options.workers; i++) {
		sched_join(threads[i]);
	}
}

/* Each worker opens its connection before the clock starts, as a creator that has been there for a while. */
static void greet(void *arg)
{
	struct load *load = arg;
	struct http_request request = { .method = "GET",
					.path = "/version",
					.timeout_ms = REQUEST_TIMEOUT_MS };
	CLEANUP(http_response_finish) struct http_response response = { 0 };

	transport_perform(load->transport, &request, &response, 1);
}

static void warm_up(struct load *load)
{
	struct sched_thread *threads[WORKERS_MAX];

	for (int64_t i = 0; i < load->options.workers; i++) {
		threads[i] = sched_start(load->sched, "greet", greet, load);
	}
	for (int64_t i = 0; i < load->options.workers; i++) {
		sched_join(threads[i]);
	}
}

/* ---- telling ---- */

static void print_column(const struct load *load, const char *name, size_t offset)
{
	printf(",\"%s\":[", name);
	for (size_t i = 0; i < load->script.item_count; i++) {
		uint64_t when =
			*(const uint64_t *)(const void *)((const char *)&load->times[i] + offset);

		printf("%s%.3f", i > 0 ? "," : "",
		       when != 0 ? (double)(when - load->began) / 1e3 : -1.0);
	}
	putchar(']');
}

/* Milliseconds since the first was sent; -1: never. */
static void report(const struct load *load, size_t ready)
{
	CLEANUP_BUF struct buf error = BUF_INIT(8192);

	buf_append_json(&error, load->error, strlen(load->error));
	printf("{\"items\":%zu,\"failed\":%zu,\"ready\":%zu,\"error\":%s", load->script.item_count,
	       load->failed, ready, buf_str(&error));
	print_column(load, "sent_ms", offsetof(struct times, sent));
	print_column(load, "answered_ms", offsetof(struct times, answered));
	print_column(load, "ready_ms", offsetof(struct times, ready));
	puts("}");
}

/* ---- life ---- */

static bool parse(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){ .workers = 32, .timeout_s = 120 };
	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		bool good = *value != '\0';

		if (strcmp(name, "--kubeconfig") == 0) {
			ret->kubeconfig = value;
		} else if (strcmp(name, "--script") == 0) {
			ret->script = value;
		} else if (strcmp(name, "--watch") == 0) {
			ret->watch = value;
		} else if (strcmp(name, "--workers") == 0) {
			good = integer_parse(value, 1, WORKERS_MAX, &ret->workers) == 0;
		} else if (strcmp(name, "--timeout") == 0) {
			good = integer_parse(value, 1, 3600, &ret->timeout_s) == 0;
		} else if (strcmp(name, "--rate") == 0) {
			good = number_parse(value, 0, 1e6, &ret->rate) == 0;
		} else {
			good = false;
		}
		if (!good) {
			fprintf(stderr, "claim-load: bad argument '%s %s'\n", name, value);
			return false;
		}
	}
	return ret->kubeconfig != NULL && ret->script != NULL;
}

static bool run(struct load *load)
{
	size_t expected = load->options.watch != NULL ? load->script.item_count : 0;
	bool done = true;

	load->times = xnew_array(struct times, load->script.item_count);
	if (expected > 0 &&
	    !load_watch_start(&load->watch, load->sched, load->transport, load->options.watch)) {
		fprintf(stderr, "claim-load: %s\n", load->watch.error);
		return false;
	}
	for (size_t i = 0; i < expected; i++) {
		load_watch_expect(&load->watch, load_script_name(&load->script, i),
				  &load->times[i].ready);
	}
	warm_up(load);
	send_all(load);
	if (expected > 0) {
		done = load_watch_wait(&load->watch, expected - load->failed,
				       sched_now_us(load->sched) +
					       (uint64_t)load->options.timeout_s * 1000000);
	}
	report(load, expected > 0 ? load->watch.ready : 0);
	return done && load->failed == 0;
}

int main(int argc, char **argv)
{
	struct load load = { 0 };
	struct kubeconfig kubeconfig = { 0 };
	struct error error = { 0 };
	bool good;

	if (!parse(argc, argv, &load.options)) {
		return 2;
	}
	load.sched = sched_create();
	sched_mutex_init(&load.lock, load.sched);
	sched_cond_init(&load.clock, load.sched);
	if (load_script_read(load.options.script, &load.script, &error) < 0 ||
	    kubeconfig_load(load.options.kubeconfig, &kubeconfig, &error) < 0) {
		fprintf(stderr, "claim-load: %s\n", error.text);
		return 1;
	}
	struct credentials *credentials = credentials_create(load.sched, &kubeconfig);
	struct curl_transport_config config = {
		.server = kubeconfig.server,
		.ca_pem = kubeconfig.ca_pem,
		.ca_file = kubeconfig.ca_file,
		.user_agent = "agent-sandbox-bench/" PACKAGE_VERSION,
		.connections = (uint32_t)load.options.workers,
		.credentials = credentials_source(credentials),
	};

	load.transport = curl_transport_create(load.sched, &config, &error);
	if (load.transport == NULL) {
		fprintf(stderr, "claim-load: %s\n", error.text);
		return 1;
	}
	good = run(&load);
	load.transport->ops->stop(load.transport);
	if (load.watch.thread != NULL) {
		load_watch_finish(&load.watch);
	}
	curl_transport_destroy(load.transport);
	credentials_destroy(credentials);
	kubeconfig_finish(&kubeconfig);
	load_script_finish(&load.script);
	free(load.times);
	sched_cond_finish(&load.clock);
	sched_mutex_finish(&load.lock);
	sched_destroy(load.sched);
	return good ? 0 : 1;
}
