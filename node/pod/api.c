/* SPDX-License-Identifier: Apache-2.0 */
/* A kubelet's own requests: bindings, final deletes, tokens, content of volumes. Called by the
 * reconciles and by node/volumes/volumes.h. */
#include "config.h"

#include "node/pod/api.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"
#include "node/node-private.h"

#define BODY_MAX (64u << 10)
#define PATH_MAX_BYTES 4096

static const struct asb_kind account_kind = {
	.group = "", .version = "v1", .plural = "serviceaccounts", .kind = "ServiceAccount"
};

/* Sends body (borrowed); ret, which may be NULL, gets the response's tree, the caller's. */
static int api_exchange(struct client *client, const char *method, const struct buf *path,
			struct json_object *body, struct json_object **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(BODY_MAX);
	struct http_request request = {
		.method = method,
		.path = buf_str(path),
		.accept = "application/json",
		.content_type = "application/json",
		.timeout_ms = CLIENT_DEADLINE_US / 1000,
	};
	CLEANUP_JSON struct json_object *tree = NULL;
	struct http_response response = { 0 };
	int code = ASB_OK;

	json_print(body, &text);
	request.body = buf_str(&text);
	request.body_length = text.length;
	client_request(client, PRIORITY_CLAIM, &request, &response);
	if (response.result != 0) {
		code = error_set(reterr, ASB_UNREACHABLE, "%s '%.120s': %s", method, buf_str(path),
				 response.error);
		http_response_finish(&response);
		return code;
	}
	tree = json_parse(buf_str(&response.body), response.body.length, NULL);
	if (response.status < 200 || response.status > 299) {
		const char *message = asb_str(tree, "message");

		code = error_set(
			reterr,
			client_code(response.status, buf_str(&response.body), response.body.length),
			"%s '%.120s': %d: %.200s", method, buf_str(path), response.status,
			message != NULL ? message : "");
	} else if (ret != NULL) {
		*ret = TAKE(tree);
	}
	http_response_finish(&response);
	return code;
}

int api_bind(struct client *client, struct json_object *pod, const char *node, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = json_object_new_object();
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
	struct json_object *metadata = asb_object_in(body, "metadata");

	asb_set_str(body, "apiVersion", "v1");
	asb_set_str(body, "kind", "Binding");
	asb_set_str(metadata, "name", asb_name(pod));
	asb_set_str(metadata, "namespace", asb_ns(pod));
	asb_set_str(metadata, "uid", asb_uid(pod));
	asb_set_str(asb_object_in(body, "target"), "apiVersion", "v1");
	asb_set_str(asb_object_in(body, "target"), "kind", "Node");
	asb_set_str(asb_object_in(body, "target"), "name", node);
	kind_path(&path, &pod_kind, asb_ns(pod), asb_name(pod), "binding");
	return api_exchange(client, "POST", &path, body, NULL, reterr);
}

int api_remove_pod(struct client *client, struct json_object *pod, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = json_object_new_object();
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
	int code;

	asb_set_str(body, "apiVersion", "v1");
	asb_set_str(body, "kind", "DeleteOptions");
	json_object_object_add(body, "gracePeriodSeconds", json_object_new_int(0));
	asb_set_str(asb_object_in(body, "preconditions"), "uid", asb_uid(pod));
	kind_path(&path, &pod_kind, asb_ns(pod), asb_name(pod), NULL);
	code = api_exchange(client, "DELETE", &path, body, NULL, reterr);
	/* A conflict means that another pod has this name now: ours is gone. */
	return code == ASB_NOT_FOUND || code == ASB_CONFLICT ? ASB_OK : code;
}

/* ---- volume_source ---- */

static const struct source_kind {
	const char *resource, *kind;
} source_kinds[] = {
	{ "configmaps", "ConfigMap" },
	{ "secrets", "Secret" },
	{ "persistentvolumeclaims", "PersistentVolumeClaim" },
};

int api_source_get(void *client, const char *resource, const char *ns, const char *name,
		   struct json_object **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);
	struct asb_kind kind = { .group = "", .version = "v1", .plural = resource, .kind = "" };
	int code;

	for (size_t i = 0; i < ARRAY_LEN(source_kinds); i++) {
		if (strcmp(source_kinds[i].resource, resource) == 0) {
			kind.kind = source_kinds[i].kind;
		}
	}
	code = client_read(client, &kind, ns, name, PRIORITY_CLAIM, &body, reterr);
	if (code == ASB_NOT_FOUND) {
		return -ENOENT;
	}
	if (code != ASB_OK) {
		return -EAGAIN;
	}
	*ret = json_parse(buf_str(&body), body.length, reterr);
	return *ret != NULL ? 0 : -EAGAIN;
}

int api_source_token(void *client, struct json_object *pod, const char *audience, int64_t seconds,
		     char **ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *body = json_object_new_object(), *response = NULL;
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_MAX_BYTES);
	struct json_object *spec = asb_object_in(body, "spec");
	struct json_object *bound = asb_object_in(spec, "boundObjectRef");
	const char *account = asb_str(pod, "spec", "serviceAccountName"), *token;

	asb_set_str(body, "apiVersion", "authentication.k8s.io/v1");
	asb_set_str(body, "kind", "TokenRequest");
	json_object_object_add(spec, "expirationSeconds", json_object_new_int64(seconds));
	if (audience != NULL && *audience != '\0') {
		struct json_object *audiences = json_object_new_array();

		json_object_array_add(audiences, json_object_new_string(audience));
		json_object_object_add(spec, "audiences", audiences);
	}
	asb_set_str(bound, "apiVersion", "v1");
	asb_set_str(bound, "kind", "Pod");
	asb_set_str(bound, "name", asb_name(pod));
	asb_set_str(bound, "uid", asb_uid(pod));
	kind_path(&path, &account_kind, asb_ns(pod), account != NULL ? account : "default",
		  "token");
	if (api_exchange(client, "POST", &path, body, &response, reterr) != ASB_OK) {
		return -EAGAIN;
	}
	token = asb_str(response, "status", "token");
	if (token == NULL) {
		return error_set(reterr, -EAGAIN,
				 "the API server's response to a TokenRequest has no token");
	}
	*ret = xstrdup(token);
	return 0;
}
