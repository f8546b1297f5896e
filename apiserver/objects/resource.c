/* SPDX-License-Identifier: Apache-2.0 */
/* The resources that are installed: finding one and its records, making and freeing one. All parts of
 * the in-memory API call it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/memory.h"

static void kind_id(const struct asb_kind *kind, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s/%s", kind->group, kind->kind);
}

struct served *served_find(const struct objects *objects, const struct asb_kind *kind)
{
	char id[KEY_MAX];

	kind_id(kind, id);
	/* A server keeps the events of both groups as one kind. */
	return map_get(&objects->kinds,
		       objects->config.server && strcmp(id, "events.k8s.io/Event") == 0 ? "/Event"
											: id);
}

struct record *record_find(const struct objects *objects, const struct served *served,
			   const char *ns, const char *name)
{
	char key[KEY_MAX];

	(void)objects;
	if (served == NULL || snprintf(key, sizeof(key), "%s/%s", ns, name) >= (int)sizeof(key)) {
		return NULL;
	}
	return map_get(&served->by_key, key);
}

struct served *served_new(struct objects *objects, const struct asb_kind *kind)
{
	struct served *served = xnew(struct served);
	char id[KEY_MAX];

	kind_id(kind, id);
	served->kind.group = xstrdup(kind->group);
	served->kind.version = xstrdup(kind->version);
	served->kind.plural = xstrdup(kind->plural);
	served->kind.kind = xstrdup(kind->kind);
	served->id = xstrdup(id);
	objects->served = xrealloc(objects->served, (objects->served_count + 1) * sizeof(served));
	objects->served[objects->served_count++] = served;
	map_put(&objects->kinds, served->id, served);
	return served;
}

static const char *dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void serving_finish(struct served *served)
{
	for (char **path = served->fields; path != NULL && *path != NULL; path++) {
		free(*path);
	}
	free(served->fields);
	free((char *)(uintptr_t)served->serving.scale_spec);
	free((char *)(uintptr_t)served->serving.scale_status);
	free((char *)(uintptr_t)served->serving.scale_selector);
}

/* Takes the description of a kind over. */
void serving_set(struct served *served, const struct objects_serving *serving)
{
	size_t count = 0;

	serving_finish(served);
	while (serving->fields != NULL && serving->fields[count] != NULL) {
		count++;
	}
	served->serving = *serving;
	served->serving.scale_spec = dup_or_null(serving->scale_spec);
	served->serving.scale_status = dup_or_null(serving->scale_status);
	served->serving.scale_selector = dup_or_null(serving->scale_selector);
	served->fields = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		served->fields[i] = xstrdup(serving->fields[i]);
	}
	served->serving.fields = (const char *const *)served->fields;
}

void served_free(struct served *served)
{
	serving_finish(served);
	free(served->records);
	free(served->versions);
	free((char *)(uintptr_t)served->kind.group);
	free((char *)(uintptr_t)served->kind.version);
	free((char *)(uintptr_t)served->kind.plural);
	free((char *)(uintptr_t)served->kind.kind);
	free(served->id);
	free(served);
}
