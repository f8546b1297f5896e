/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the files of configMap, secret, downwardAPI and projected volumes from their objects.
 * Called by volumes.c, which then writes them. */
#include "config.h"

#include "node/volumes/content.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/env/env.h"
#include "node/env/objects.h"
#include "node/volumes/files.h"

#define TOKEN_MAX (64 * 1024)
#define TOKEN_SECONDS 3600        /* expirationSeconds, when not given */
#define TOKEN_AGE_MAX (24 * 3600) /* however long it lives */

static mode_t content_mode_of(struct content *content, struct json_object *item)
{
	return (mode_t)asb_int(asb_at(item, "mode"), (int64_t)content->mode) & 0777;
}

static int content_add_text(struct content *content, const char *path, const char *text,
			    mode_t mode)
{
	CLEANUP_BUF struct buf data = BUF_INIT(OBJECT_VALUE_MAX);

	if (buf_append_str(&data, text) < 0) {
		return error_set(content->reterr, -EINVAL, "'%.200s' is too large", path);
	}
	return payload_add(&content->payload, path, &data, mode, 0, content->reterr);
}

/* ---- configMap and secret ---- */

struct object_reading {
	struct content *content;
	struct json_object *object;
	const char *resource;
};

static int content_add_value(struct object_reading *reading, const char *key, const char *path,
			     mode_t mode)
{
	struct content *content = reading->content;
	CLEANUP_BUF struct buf data = BUF_INIT(OBJECT_VALUE_MAX);
	bool secret = strcmp(reading->resource, "secrets") == 0;
	int code = object_value(reading->object, reading->resource, key, &data);

	if (code == -ENOENT && content->optional) {
		return 0;
	}
	if (code == -ENOENT) {
		return error_set(content->reterr, -EAGAIN, "references non-existent %s key: %.200s",
				 secret ? "secret" : "config", key);
	}
	if (code < 0) {
		return error_set(content->reterr, -EAGAIN, "key %.200s of %s \"%s\" %s", key,
				 secret ? "secret" : "configmap", asb_name(reading->object),
				 code == -ENOSPC ? "is too large" : "is not valid base64");
	}
	return payload_add(&content->payload, path, &data, mode, 0, content->reterr);
}

static int content_add_key(void *arg, const char *key)
{
	struct object_reading *reading = arg;

	return content_add_value(reading, key, key, reading->content->mode);
}

/* A source: the object's name, its items (all keys without any), whether it may be missing. */
static int content_add_object(struct content *content, const char *resource, const char *name,
			      struct json_object *source)
{
	struct json_object *items = asb_array(source, "items");
	CLEANUP_JSON struct json_object *object = NULL;
	struct object_reading reading = { .content = content, .resource = resource };
	int code;

	content->optional = asb_true(asb_at(source, "optional"));
	code = object_get(content->source, resource, content->ns, name, content->optional, &object,
			  content->reterr);
	if (code < 0 || object == NULL) {
		return code;
	}
	reading.object = object;
	if (asb_length(items) == 0) {
		return object_keys(object, strcmp(resource, "configmaps") == 0, content_add_key,
				   &reading);
	}
	for (size_t i = 0; code == 0 && i < asb_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		const char *key = asb_str(item, "key"), *path = asb_str(item, "path");

		if (key == NULL || path == NULL) {
			return error_set(content->reterr, -EINVAL, "an item needs key and path");
		}
		code = content_add_value(&reading, key, path, content_mode_of(content, item));
	}
	return code;
}

int content_config_map(struct content *content, struct json_object *volume)
{
	return content_add_object(content, "configmaps", asb_str(volume, "name"), volume);
}

int content_secret(struct content *content, struct json_object *volume)
{
	return content_add_object(content, "secrets", asb_str(volume, "secretName"), volume);
}

/* ---- downwardAPI ---- */

static int content_add_field(struct content *content, struct json_object *item)
{
	const char *path = asb_str(item, "path");
	const char *field = asb_str(item, "fieldRef", "fieldPath");
	struct json_object *resource = asb_at(item, "resourceFieldRef");
	CLEANUP_FREE char *text = NULL;
	int code;

	if (path == NULL) {
		return error_set(content->reterr, -EINVAL, "an item needs a path");
	}
	if (field != NULL) {
		code = env_field(content->pod, field, NULL, &text, content->reterr);
	} else {
		code = env_resource(content->pod, NULL, resource, &text, content->reterr);
	}
	return code < 0 ? code
			: content_add_text(content, path, text, content_mode_of(content, item));
}

int content_downward(struct content *content, struct json_object *volume)
{
	struct json_object *items = asb_array(volume, "items");
	int code = 0;

	for (size_t i = 0; code == 0 && i < asb_length(items); i++) {
		code = content_add_field(content, json_object_array_get_idx(items, i));
	}
	return code;
}

/* ---- projected ---- */

/* The token that is in the volume now, when it was made and how old it is: both by the clock of
 * the file system, which is asked by touching the directory. -ENOENT: none. */
static int content_read_token(struct content *content, const char *path, struct buf *ret_token,
			      int64_t *ret_made_s, int64_t *ret_age_s)
{
	CLEANUP_FD int fd = open_beneath(content->directory, path, O_RDONLY | O_NONBLOCK, 0, 0);
	struct stat file, now;
	char part[4096];
	ssize_t got;

	if (fd < 0 || futimens(content->directory, NULL) < 0 || fstat(fd, &file) < 0 ||
	    fstat(content->directory, &now) < 0 || !S_ISREG(file.st_mode)) {
		return -ENOENT;
	}
	while ((got = read(fd, part, sizeof(part))) > 0) {
		buf_append(ret_token, part, (size_t)got);
	}
	if (got < 0 || ret_token->failed || ret_token->length == 0) {
		return -ENOENT;
	}
	*ret_made_s = file.st_mtim.tv_sec;
	*ret_age_s = now.st_mtim.tv_sec - file.st_mtim.tv_sec;
	return 0;
}

/* Asked for again at 80 % of its life, or after a day; a good one stays where there is no new. */
static int content_add_token(struct content *content, struct json_object *source)
{
	const char *path = asb_str(source, "path"), *audience = asb_str(source, "audience");
	int64_t seconds = asb_int(asb_at(source, "expirationSeconds"), TOKEN_SECONDS);
	int64_t made_s = 0, age_s = 0;
	CLEANUP_BUF struct buf old = BUF_INIT(TOKEN_MAX);
	CLEANUP_FREE char *token = NULL;
	int code;

	if (path == NULL) {
		return error_set(content->reterr, -EINVAL, "a serviceAccountToken needs a path");
	}
	code = payload_check_path(path, content->reterr);
	if (code < 0) {
		return code;
	}

	bool have = content_read_token(content, path, &old, &made_s, &age_s) == 0 && age_s >= 0;

	if (have && age_s < seconds / 5 * 4 && age_s < TOKEN_AGE_MAX) {
		return payload_add(&content->payload, path, &old, content->mode, made_s,
				   content->reterr);
	}
	if (content->source->token == NULL) {
		return error_set(content->reterr, -EINVAL,
				 "this node makes no tokens of service accounts");
	}
	code = content->source->token(content->source->arg, content->pod,
				      audience != NULL ? audience : "", seconds, &token,
				      content->reterr);
	if (code == 0) {
		code = content_add_text(content, path, token, content->mode);
		explicit_bzero(token, strlen(token));
		return code;
	}
	if (have && age_s < seconds) {
		return payload_add(&content->payload, path, &old, content->mode, made_s,
				   content->reterr);
	}
	return error_prefix(content->reterr, "failed to fetch token");
}

static int content_add_source(struct content *content, struct json_object *source)
{
	struct json_object *part = asb_at(source, "configMap");

	if (part != NULL) {
		return content_add_object(content, "configmaps", asb_str(part, "name"), part);
	}
	if ((part = asb_at(source, "secret")) != NULL) {
		return content_add_object(content, "secrets", asb_str(part, "name"), part);
	}
	if ((part = asb_at(source, "downwardAPI")) != NULL) {
		return content_downward(content, part);
	}
	if ((part = asb_at(source, "serviceAccountToken")) != NULL) {
		return content_add_token(content, part);
	}
	return error_set(
		content->reterr, -EINVAL,
		"this node projects configMap, secret, downwardAPI and serviceAccountToken, not what this volume names");
}

int content_projected(struct content *content, struct json_object *volume)
{
	struct json_object *sources = asb_array(volume, "sources");
	int code = 0;

	for (size_t i = 0; code == 0 && i < asb_length(sources); i++) {
		code = content_add_source(content, json_object_array_get_idx(sources, i));
	}
	return code;
}
