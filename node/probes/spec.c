/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a probe from its container's spec. Called by the prober when a container is added. */
#include "config.h"

#include "node/probes/spec.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

#define SECONDS_MAX 86400 /* of any of its times: a day */
#define HEADERS_MAX 64

/* A member in seconds or counts; what is not positive is the default. */
static int64_t spec_number(struct json_object *probe, const char *name, int64_t fallback)
{
	int64_t value = asb_int(asb_at(probe, name), fallback);

	return value < 1 ? fallback : value > SECONDS_MAX ? SECONDS_MAX : value;
}

/* A port by number, by name, or by a number in quotes; 0: there is none. */
static uint16_t spec_read_port(struct json_object *container, struct json_object *port)
{
	struct json_object *ports = asb_array(container, "ports");
	const char *name = asb_as_str(port);
	int64_t value = asb_int(port, 0);

	for (size_t i = 0; name != NULL && i < asb_length(ports); i++) {
		struct json_object *one = json_object_array_get_idx(ports, i);

		if (asb_streq(asb_str(one, "name"), name)) {
			value = asb_int(asb_at(one, "containerPort"), 0);
		}
	}
	if (name != NULL && value == 0) {
		integer_parse(name, 1, UINT16_MAX, &value);
	}
	return value > 0 && value <= UINT16_MAX ? (uint16_t)value : 0;
}

static void spec_fail(struct probe_spec *spec, char *take_why)
{
	spec->handler = PROBE_MISSING;
	free(spec->why);
	spec->why = take_why;
}

/* Whether text can be part of a request: no line of its own. */
static bool spec_is_clean(const char *text)
{
	for (; *text != '\0'; text++) {
		if (iscntrl((unsigned char)*text)) {
			return false;
		}
	}
	return true;
}

static void spec_read_headers(struct probe_spec *spec, struct json_object *headers)
{
	size_t count = asb_length(headers);

	if (count > HEADERS_MAX) {
		spec_fail(spec, xprintf("it has more than %d httpHeaders", HEADERS_MAX));
		return;
	}
	spec->strings = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct json_object *header = json_object_array_get_idx(headers, i);
		const char *name = asb_str(header, "name"), *value = asb_str(header, "value");

		value = value != NULL ? value : "";
		if (name == NULL || *name == '\0' || strpbrk(name, ": ;") != NULL ||
		    !spec_is_clean(name) || !spec_is_clean(value)) {
			spec_fail(spec, xstrdup("one of its httpHeaders is not a header"));
			value = "";
		}
		spec->strings[i] = xprintf("%s: %s", name != NULL ? name : "", value);
	}
}

static char *spec_make_url(const char *scheme, const char *host, uint16_t port, const char *path)
{
	bool bare = strchr(host, ':') != NULL && host[0] != '[';

	return xprintf("%s://%s%s%s:%u%s%s", scheme, bare ? "[" : "", host, bare ? "]" : "", port,
		       *path == '/' ? "" : "/", path);
}

static void spec_read_http(struct probe_spec *spec, struct json_object *container,
			   struct json_object *http, const char *ip)
{
	const char *host = asb_str(http, "host"), *path = asb_str(http, "path");
	const char *scheme = asb_str(http, "scheme");
	uint16_t port = spec_read_port(container, asb_at(http, "port"));

	spec->handler = PROBE_HTTP;
	host = host != NULL && *host != '\0' ? host : ip;
	path = path != NULL ? path : "";
	if (port == 0) {
		spec_fail(spec, xstrdup("its port is none of the container's"));
	} else if (!spec_is_clean(path) || !spec_is_clean(host)) {
		spec_fail(spec, xstrdup("its path or host cannot be part of a URL"));
	}
	/* What curl does not take in a URL. */
	CLEANUP_BUF struct buf encoded = BUF_INIT(64 * 1024);

	for (; *path != '\0'; path++) {
		if (*path == ' ') {
			buf_append_str(&encoded, "%20");
		} else if (*path == '#') {
			buf_append_str(&encoded, "%23");
		} else {
			buf_append_char(&encoded, *path);
		}
	}
	spec->url = spec_make_url(asb_streq(scheme, "HTTPS") ? "https" : "http", host, port,
				  buf_str(&encoded));
	spec_read_headers(spec, asb_array(http, "httpHeaders"));
}

static void spec_read_tcp(struct probe_spec *spec, struct json_object *container,
			  struct json_object *tcp, const char *ip)
{
	const char *host = asb_str(tcp, "host");

	spec->handler = PROBE_TCP;
	spec->host = xstrdup(host != NULL && *host != '\0' ? host : ip);
	spec->port = spec_read_port(container, asb_at(tcp, "port"));
	spec->url = spec_make_url("http", spec->host, spec->port, "/");
	if (spec->port == 0) {
		spec_fail(spec, xstrdup("its port is none of the container's"));
	}
}

static void spec_read_exec(struct probe_spec *spec, struct json_object *command)
{
	size_t count = asb_length(command);

	spec->handler = PROBE_EXEC;
	spec->strings = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *word = asb_as_str(json_object_array_get_idx(command, i));

		spec->strings[i] = xstrdup(word != NULL ? word : "");
	}
	if (count == 0) {
		spec_fail(spec, xstrdup("its exec has no command"));
	}
}

void probe_spec_init(struct probe_spec *spec, struct json_object *container,
		     struct json_object *probe, const char *ip)
{
	int64_t delay = asb_int(asb_at(probe, "initialDelaySeconds"), 0);

	delay = delay < 0 ? 0 : delay > SECONDS_MAX ? SECONDS_MAX : delay;
	*spec = (struct probe_spec){
		.delay_us = (uint64_t)delay * 1000000,
		.period_us = (uint64_t)spec_number(probe, "periodSeconds", 10) * 1000000,
		.timeout_ms = (uint32_t)spec_number(probe, "timeoutSeconds", 1) * 1000,
		.successes = (uint32_t)spec_number(probe, "successThreshold", 1),
		.failures = (uint32_t)spec_number(probe, "failureThreshold", 3),
	};
	if (!json_object_is_type(probe, json_type_object)) {
		return;
	}
	if (asb_at(probe, "httpGet") != NULL) {
		spec_read_http(spec, container, asb_at(probe, "httpGet"), ip);
	} else if (asb_at(probe, "tcpSocket") != NULL) {
		spec_read_tcp(spec, container, asb_at(probe, "tcpSocket"), ip);
	} else if (asb_at(probe, "exec") != NULL) {
		spec_read_exec(spec, asb_array(probe, "exec", "command"));
	} else if (asb_at(probe, "grpc") != NULL) {
		spec_fail(spec,
			  xstrdup("this node has no grpc probes: use httpGet, tcpSocket or exec"));
	} else {
		spec_fail(spec, xstrdup("it has none of httpGet, tcpSocket and exec"));
	}
}

void probe_spec_finish(struct probe_spec *spec)
{
	for (char **at = spec->strings; at != NULL && *at != NULL; at++) {
		free(*at);
	}
	free(spec->strings);
	free(spec->url);
	free(spec->host);
	free(spec->why);
	*spec = (struct probe_spec){ 0 };
}
