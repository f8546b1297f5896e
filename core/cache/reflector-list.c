/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in pages, for servers without watch-lists and for the full resync of a new leader. Called
 * by core/cache/reflector.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "core/cache/reflector-private.h"
#include "core/observe/log.h"
#include "kube/kind.h"
#include "kube/version.h"

#define LIST_TIMEOUT_MS 30000u
#define LIST_PAGES_MAX 100000u /* a server that never ends its list is broken */

void reflector_path(const struct reflector *reflector, struct buf *out)
{
	kind_path(out, reflector->kind, "", NULL, NULL);
	buf_append_char(out, '?');
	if (reflector->config.label_selector != NULL) {
		buf_append_str(out, "labelSelector=");
		url_append(out, reflector->config.label_selector);
		buf_append_char(out, '&');
	}
}

int reflector_failure(const struct reflector *reflector, const struct http_response *response,
		      struct error *reterr)
{
	if (response->result != 0) {
		return error_set(reterr, response->result, "%s", response->error);
	}
	switch (response->status) {
	case 404:
		return error_set(reterr, -ENOENT, "'%s' is not served", reflector->kind->plural);
	case 410:
		return error_set(reterr, -ESTALE,
				 "the resourceVersion to continue from is too old");
	default:
		return error_set(reterr, -EPROTO, "the API server responded with %d: %.300s",
				 response->status, buf_str(&response->body));
	}
}

/* Stores the items of one page; *ret_continue and *ret_version are the list's, the text allocated.
 * */
static int list_store_page(struct reflector *reflector, const struct buf *body, char **ret_continue,
			   uint64_t *ret_version, struct error *reterr)
{
	CLEANUP_JSON struct json_object *page = json_parse(buf_str(body), body->length, reterr);
	struct json_object *items = NULL;
	const char *version = asb_str(page, "metadata", "resourceVersion");
	const char *more = asb_str(page, "metadata", "continue");

	*ret_version = version != NULL ? version_parse(version, strlen(version)) : 0;
	if (*ret_version == 0) {
		return error_set(reterr, -EPROTO, "a list of '%s' without a version",
				 reflector->kind->plural);
	}
	/* null is an empty list; but what is no list at all must not empty the store. */
	if (!json_object_object_get_ex(page, "items", &items) ||
	    (items != NULL && !json_object_is_type(items, json_type_array))) {
		return error_set(reterr, -EPROTO, "a list of '%s' without items",
				 reflector->kind->plural);
	}
	for (size_t i = 0; i < asb_length(items); i++) {
		CLEANUP_BUF struct buf text = BUF_INIT(FRAME_MAX);

		if (json_print(json_object_array_get_idx(items, i), &text) < 0 ||
		    store_replace_item(reflector->config.store, buf_str(&text), text.length) < 0) {
			log_warning(
				"an item of the list of '%s' is not an object with a name, going on",
				reflector->kind->plural);
		}
	}
	*ret_continue = more != NULL && *more != '\0' ? strdup(more) : NULL;
	return 0;
}

static int list_get_page(struct reflector *reflector, const char *more, struct http_response *ret)
{
	CLEANUP_BUF struct buf path = BUF_INIT(16384);
	struct http_request request = { .method = "GET", .timeout_ms = LIST_TIMEOUT_MS };

	reflector_path(reflector, &path);
	buf_printf(&path, "limit=%u", LIST_PAGE);
	if (more != NULL) {
		buf_append_str(&path, "&continue=");
		url_append(&path, more);
	}
	request.path = buf_str(&path);
	if (reflector->config.metadata_only) {
		request.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
	}
	client_request(reflector->config.client, PRIORITY_CLAIM, &request, ret);
	return path.failed ? -ENOSPC : ret->result == 0 && ret->status == 200 ? 0 : -EPROTO;
}

int reflector_list_pages(struct reflector *reflector, uint64_t *ret_version, struct error *reterr)
{
	CLEANUP_FREE char *more = NULL;
	uint64_t version = 0;

	for (unsigned int page = 0; page < LIST_PAGES_MAX; page++) {
		CLEANUP(http_response_finish) struct http_response response = { 0 };
		char *next = NULL;
		int code = list_get_page(reflector, more, &response);

		if (code < 0) {
			return reflector_failure(reflector, &response, reterr);
		}
		code = list_store_page(reflector, &response.body, &next, &version, reterr);
		if (code < 0) {
			return code;
		}
		free(more);
		more = next;
		if (more == NULL) {
			store_replace_end(reflector->config.store, version);
			*ret_version = version;
			return 0;
		}
	}
	return error_set(reterr, -EPROTO, "the list of '%s' does not end", reflector->kind->plural);
}
