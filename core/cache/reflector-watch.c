/* SPDX-License-Identifier: Apache-2.0 */
/* One watch stream: cuts it into frames, one a line, and puts them into the store. Called by
 * core/cache/reflector.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json-scan.h"
#include "base/json.h"
#include "core/cache/reflector-private.h"
#include "core/observe/log.h"
#include "kube/version.h"

#define HEAD_TIMEOUT_MS 30000u
#define SHORT_US \
	1000000u /* an empty watch that ends sooner is a fault: else we would ask without a pause */

struct stream {
	struct reflector *reflector;
	struct buf line; /* the frame that has not ended yet */
	bool listing;    /* the initial events of a watch-list are still coming */
	int result;      /* what ended it from our side */
	uint64_t frames;
	uint64_t last; /* the highest version this stream has shown */
	uint64_t began_us;
	struct error error;
};

static int watch_finish(struct stream *stream, int result, const char *text)
{
	stream->result = error_set(&stream->error, result, "%s", text);
	return -1;
}

/* An ERROR event carries a Status inside a 200. */
static int watch_take_error(struct stream *stream, const char *object, size_t length)
{
	CLEANUP_JSON struct json_object *status = json_parse(object, length, NULL);
	int64_t code = asb_int(asb_at(status, "code"), 0);
	const char *message = asb_str(status, "message");

	return watch_finish(stream, code == 410 ? -ESTALE : -EPROTO,
			    message != NULL ? message : "an error without a message");
}

/* A bookmark moves the version, and may end the initial events. Its object is a stub: never stored.
 * */
static int watch_take_bookmark(struct stream *stream, const char *object, size_t length)
{
	CLEANUP_JSON struct json_object *stub = json_parse(object, length, NULL);
	struct reflector *reflector = stream->reflector;
	const char *text = asb_resource_version(stub);
	uint64_t version = text != NULL ? version_parse(text, strlen(text)) : 0;

	if (version == 0) {
		return watch_finish(stream, -EPROTO, "a bookmark without a version");
	}
	if (version < stream->last) {
		store_reset(reflector->config.store);
		return watch_finish(stream, -ESTALE, "the API server went back in time");
	}
	if (!stream->listing) {
		stream->last = version;
		reflector->progress = true;
		store_bookmark(reflector->config.store, version);
	} else if (asb_streq(asb_annotation(stub, "k8s.io/initial-events-end"), "true")) {
		if (version < store_version(reflector->config.store)) {
			store_reset(reflector->config.store);
			return watch_finish(stream, -ESTALE, "the API server went back in time");
		}
		stream->listing = false;
		stream->last = version;
		store_replace_end(reflector->config.store, version);
		reflector_end_list(reflector);
		reflector->relist = false;
		reflector_set_state(reflector, REFLECTOR_SYNCED);
	}
	return 0;
}

static bool watch_is_type(const struct json_span *type, const char *quoted)
{
	return type->length == strlen(quoted) && memcmp(type->start, quoted, type->length) == 0;
}

static int watch_take_object(struct stream *stream, const struct json_span *type,
			     const struct json_span *object)
{
	struct store *store = stream->reflector->config.store;
	bool deleted = watch_is_type(type, "\"DELETED\"");
	uint64_t version = 0;
	int code;

	if (!deleted && !watch_is_type(type, "\"ADDED\"") && !watch_is_type(type, "\"MODIFIED\"")) {
		return watch_finish(stream, -EPROTO, "a watch event of an unknown type");
	}
	stream->reflector->progress = true;
	if (stream->listing) {
		code = deleted ? store_replace_gone(store, object->start, object->length)
			       : store_replace_item(store, object->start, object->length);
	} else {
		code = store_event(store, deleted ? STORE_DELETED : STORE_MODIFIED, object->start,
				   object->length, &version);
		stream->last = version > stream->last ? version : stream->last;
	}
	if (code < 0) {
		log_warning("an event of '%s' is not an object with a name and a version, going on",
			    stream->reflector->kind->plural);
	}
	return 0;
}

/* The type and the object of a frame. What the scan doubts is printed again by json-c, into plain,
 * and read again. */
static int watch_read_frame(const char *text, size_t length, struct buf *plain,
			    struct json_span spans[2])
{
	static const char *const names[] = { "type", "object" };
	CLEANUP_JSON struct json_object *tree = NULL;

	if (json_scan_members(text, length, names, 2, spans) < 0 ||
	    (spans[0].start != NULL && memchr(spans[0].start, '\\', spans[0].length) != NULL)) {
		tree = json_parse(text, length, NULL);
		if (tree == NULL || json_print(tree, plain) < 0 ||
		    json_scan_members(buf_str(plain), plain->length, names, 2, spans) < 0) {
			return -EPROTO;
		}
	}
	return spans[0].start != NULL && spans[1].start != NULL ? 0 : -EPROTO;
}

static int watch_take_frame(struct stream *stream, const char *text, size_t length)
{
	CLEANUP_BUF struct buf plain = BUF_INIT(FRAME_MAX);
	struct json_span spans[2];

	if (length == 0) {
		return 0;
	}
	stream->frames++;
	if (watch_read_frame(text, length, &plain, spans) < 0) {
		return watch_finish(stream, -EPROTO, "a frame that is not a watch event");
	}
	if (watch_is_type(&spans[0], "\"BOOKMARK\"")) {
		return watch_take_bookmark(stream, spans[1].start, spans[1].length);
	}
	if (watch_is_type(&spans[0], "\"ERROR\"")) {
		return watch_take_error(stream, spans[1].start, spans[1].length);
	}
	return watch_take_object(stream, &spans[0], &spans[1]);
}

/* transport_bytes: frames that are whole in the data are read in place; only a rest is copied. */
static int watch_take_bytes(void *arg, const char *data, size_t length)
{
	struct stream *stream = arg;

	while (length > 0) {
		const char *end = memchr(data, '\n', length);
		size_t piece = end != NULL ? (size_t)(end - data) : length;
		int code;

		if (end == NULL || stream->line.length > 0) {
			if (buf_append(&stream->line, data, piece) < 0) {
				return watch_finish(stream, -EMSGSIZE,
						    "a watch event of more than 16 MiB");
			}
		}
		if (end == NULL) {
			return 0;
		}
		if (stream->line.length > 0) {
			code = watch_take_frame(stream, buf_str(&stream->line),
						stream->line.length);
			buf_clear(&stream->line);
		} else {
			code = watch_take_frame(stream, data, piece);
		}
		if (code < 0) {
			return code;
		}
		data += piece + 1;
		length -= piece + 1;
	}
	return 0;
}

static void watch_path(struct reflector *reflector, bool list_first, uint64_t from, struct buf *out)
{
	uint64_t seconds =
		WATCH_SECONDS_MIN + sched_random(reflector->config.sched) % WATCH_SECONDS_MIN;

	reflector_path(reflector, out);
	buf_printf(out, "watch=true&allowWatchBookmarks=true&timeoutSeconds=%llu",
		   (unsigned long long)seconds);
	if (list_first) {
		buf_append_str(
			out,
			"&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=");
	} else {
		buf_printf(out, "&resourceVersion=%llu", (unsigned long long)from);
	}
}

/* What the end of a stream means. */
static int watch_judge(struct stream *stream, const struct http_response *response, bool list_first,
		       struct error *reterr)
{
	if (stream->result != 0) {
		return error_set(reterr, stream->result, "%s", stream->error.text);
	}
	if (response->result == 0 && response->status == 200) {
		if (stream->listing) {
			return error_set(reterr, -EPROTO,
					 "the list of '%s' ended before it was complete",
					 stream->reflector->kind->plural);
		}
		if (stream->frames == 0 &&
		    sched_now_us(stream->reflector->config.sched) - stream->began_us < SHORT_US) {
			return error_set(reterr, -EPROTO, "the API server ended the watch at once");
		}
		return 0;
	}
	if (response->result == 0 && list_first &&
	    (response->status == 400 || response->status == 422)) {
		return -ENOTSUP;
	}
	return reflector_failure(stream->reflector, response, reterr);
}

int reflector_watch(struct reflector *reflector, bool list_first, struct error *reterr)
{
	CLEANUP_BUF struct buf path = BUF_INIT(16384);
	CLEANUP(http_response_finish) struct http_response response = { 0 };
	struct transport *transport = client_transport(reflector->config.client);
	struct http_request request = { .method = "GET", .timeout_ms = HEAD_TIMEOUT_MS };
	struct stream stream = { .reflector = reflector,
				 .line = BUF_INIT(FRAME_MAX),
				 .listing = list_first,
				 .last = list_first ? 0 : store_version(reflector->config.store),
				 .began_us = sched_now_us(reflector->config.sched) };
	int result;

	watch_path(reflector, list_first, stream.last, &path);
	request.path = buf_str(&path);
	if (reflector->config.metadata_only) {
		request.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
	}
	if (list_first) {
		reflector_begin_list(reflector);
	}
	transport->ops->stream(transport, &request, WATCH_IDLE_MS, watch_take_bytes, &stream,
			       &response);
	if (stream.listing) {
		reflector_end_list(reflector);
	}
	result = watch_judge(&stream, &response, list_first, reterr);
	buf_finish(&stream.line);
	return result;
}
