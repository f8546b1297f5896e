/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of one version in pages, put together from the records and the history. The server's lists
 * and deletecollection read through it. */
#include "config.h"

#include "apiserver/requests/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/refusal.h"
#include "base/memory.h"
#include "base/number.h"
#include "kube/version.h"

/* What an object was at the list's version, where it has changed since. */
struct past {
	char *key;
	uint64_t version;             /* of its first change since */
	struct objects_state *before; /* NULL: it was not there */
};

/* A walk through the objects of a kind as they were, in order of their keys. */
struct walk {
	uint64_t version;
	const char *prefix; /* of the keys */
	struct tree_node *node;
	struct past *pasts;
	size_t count, at;
};

/* ---- continue tokens: "<version>.<key in hex>" ---- */

static void list_token_write(uint64_t version, const char *key, char ret[LIST_TOKEN_MAX])
{
	int length = snprintf(ret, LIST_TOKEN_MAX, "%" PRIu64 ".", version);

	for (; *key != '\0' && length + 3 < LIST_TOKEN_MAX; key++) {
		length += snprintf(ret + length, LIST_TOKEN_MAX - (size_t)length, "%02x",
				   (unsigned char)*key);
	}
}

static int list_hex(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool list_token_read(const char *token, uint64_t *ret_version, char ret_key[KEY_MAX])
{
	size_t digits = strcspn(token, "."), length = 0;
	uint64_t version = version_parse(token, digits);

	if (version == 0 || token[digits] != '.') {
		return false;
	}
	for (token += digits + 1; *token != '\0'; token += 2) {
		int high = list_hex(token[0]), low = high >= 0 ? list_hex(token[1]) : -1;

		if (low < 0 || (high | low) == 0 || length + 1 >= KEY_MAX) {
			return false;
		}
		ret_key[length++] = (char)(high << 4 | low);
	}
	ret_key[length] = '\0';
	*ret_version = version;
	return length > 0;
}

/* ---- walking ---- */

static int list_compare_pasts(const void *a, const void *b)
{
	const struct past *first = a, *second = b;
	int order = strcmp(first->key, second->key);

	if (order != 0) {
		return order;
	}
	return first->version < second->version ? -1 : first->version > second->version;
}

/* What has changed since the version: the first change of each object tells what it was. */
static void list_find_pasts(const struct objects *objects, const struct resource *resource,
			    struct walk *walk)
{
	size_t first = history_first_after(resource, walk->version),
	       count = resource->version_count - first;

	walk->pasts = count > 0 ? xnew_array(struct past, count) : NULL;
	for (size_t i = 0; i < count; i++) {
		const struct change *change =
			history_change(objects, resource->versions[first + i]);

		walk->pasts[walk->count++] = (struct past){
			.key = xprintf("%s/%s", objects_state_ns(change->state),
				       objects_state_name(change->state)),
			.version = change->state->version,
			.before = change->before,
		};
	}
	if (count > 0) {
		qsort(walk->pasts, count, sizeof(walk->pasts[0]), list_compare_pasts);
	}
}

/* The first node whose key is at least, or after, that one. */
static struct tree_node *list_lower_bound(const struct tree *tree, const char *key, bool after)
{
	struct tree_node *node = tree->root, *found = NULL;

	while (node != NULL) {
		int order = strcmp(node->tie, key);

		if (order > 0 || (order == 0 && !after)) {
			found = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return found;
}

static void walk_start(const struct objects *objects, const struct resource *resource,
		       struct walk *walk, const char *after)
{
	const char *from = *after != '\0' ? after : walk->prefix;

	list_find_pasts(objects, resource, walk);
	walk->node = list_lower_bound(&resource->by_name, from, *after != '\0');
	while (walk->at < walk->count) {
		int order = strcmp(walk->pasts[walk->at].key, from);

		if (order > 0 || (order == 0 && *after == '\0')) {
			break;
		}
		walk->at++;
	}
}

static void walk_finish(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++) {
		free(walk->pasts[i].key);
	}
	free(walk->pasts);
}

/* The next change of the past, with those of the same object passed over. */
static const struct past *list_next_past(struct walk *walk)
{
	const struct past *past = &walk->pasts[walk->at++];

	while (walk->at < walk->count && strcmp(walk->pasts[walk->at].key, past->key) == 0) {
		walk->at++;
	}
	return past;
}

/* The next object there was, NULL at the end. Borrowed. */
static struct objects_state *walk_next(struct walk *walk, const char **ret_key)
{
	for (;;) {
		const struct past *past = walk->at < walk->count ? &walk->pasts[walk->at] : NULL;
		struct objects_state *state;
		const char *key;

		if (walk->node != NULL &&
		    (past == NULL || strcmp(walk->node->tie, past->key) < 0)) {
			state = CONTAINER_OF(walk->node, struct record, node)->state;
			key = walk->node->tie;
			walk->node = tree_next(walk->node);
		} else if (past != NULL) {
			past = list_next_past(walk);
			key = past->key;
			state = past->before;
			if (walk->node != NULL && strcmp(walk->node->tie, key) == 0) {
				walk->node = tree_next(walk->node);
			}
		} else {
			return NULL;
		}
		if (strncmp(key, walk->prefix, strlen(walk->prefix)) != 0) {
			return NULL;
		}
		if (state != NULL) {
			*ret_key = key;
			return state;
		}
	}
}

/* ---- lists ---- */

static int list_expired(struct error *reterr)
{
	return objects_fail(
		reterr, 410,
		"The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
}

/* The version a list shows, and the key behind which it goes on. */
static int list_choose_version(const struct objects *objects, const struct list_options *options,
			       uint64_t *ret_version, char ret_key[KEY_MAX], struct error *reterr)
{
	uint64_t asked = options->exact > options->at_least ? options->exact : options->at_least;

	*ret_key = '\0';
	*ret_version = objects->version;
	if (options->token != NULL && *options->token != '\0') {
		if (!list_token_read(options->token, ret_version, ret_key) ||
		    *ret_version > objects->version) {
			return objects_fail(reterr, 400, "continue key is not valid");
		}
		return *ret_version < objects->compacted ? list_expired(reterr) : 0;
	}
	if (asked > objects->version) {
		return objects_fail(reterr, 504,
				    "Too large resource version: %" PRIu64 ", current: %" PRIu64,
				    asked, objects->version);
	}
	if (options->exact > 0) {
		if (options->exact < objects->compacted) {
			return objects_fail(
				reterr, 410,
				"The resourceVersion for the provided list is too old.");
		}
		*ret_version = options->exact;
	}
	return 0;
}

static void list_page_add(struct list_page *page, size_t *size, struct objects_state *state)
{
	if (page->count == *size) {
		*size = *size > 0 ? *size * 2 : 64;
		page->states = xrealloc(page->states, *size * sizeof(page->states[0]));
	}
	page->states[page->count++] = objects_state_ref(state);
}

/* Fills a page from a walk. */
static void list_page_fill(struct walk *walk, const struct list_options *options,
			   struct list_page *page)
{
	const char *key = "", *last = "";
	struct objects_state *state;
	size_t size = 0;

	while ((state = walk_next(walk, &key)) != NULL) {
		if (!selector_matches(options->selector, state)) {
			continue;
		}
		if (options->limit == 0 || page->count < options->limit) {
			list_page_add(page, &size, state);
			last = key;
			continue;
		}
		if (page->remaining < 0) {
			list_token_write(walk->version, last, page->token);
			page->remaining = 0;
		}
		page->remaining++;
		/* The server counts the rest only where it needs not look at each. */
		if (options->selector != NULL) {
			page->remaining = -1;
			return;
		}
	}
}

int list_read(struct objects *objects, const struct asb_kind *kind,
	      const struct list_options *options, struct list_page *ret, struct error *reterr)
{
	const struct resource *resource = resource_find(objects, kind);
	char after[KEY_MAX], prefix[KEY_MAX] = "";
	struct walk walk = { .prefix = prefix };
	int status;

	if (resource == NULL) {
		return refusal_not_found(NULL, "", reterr);
	}
	status = list_choose_version(objects, options, &walk.version, after, reterr);
	if (status != 0) {
		return status;
	}
	if (*options->ns != '\0' &&
	    snprintf(prefix, sizeof(prefix), "%s/", options->ns) >= (int)sizeof(prefix)) {
		return objects_fail(reterr, 400, "the namespace's name is too long");
	}
	*ret = (struct list_page){ .version = walk.version, .remaining = -1 };
	walk_start(objects, resource, &walk, after);
	list_page_fill(&walk, options, ret);
	walk_finish(&walk);
	return 200;
}

void list_page_finish(struct list_page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		objects_state_unref(page->states[i]);
	}
	free(page->states);
	*page = (struct list_page){ 0 };
}
