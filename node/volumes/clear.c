/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the directories of claims that are gone and that no pod uses. Called by
 * node/pod/garbage-collector.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/volumes/claims-private.h"
#include "node/volumes/claims.h"
#include "node/volumes/files.h"

#define REMOVING ".removing-" /* before the name of a directory that is being removed */

struct clearing {
	const struct volume_source *source;
	int claims; /* its directory */
	int pods;   /* the directory of pods; -1: there is none */
	void (*report)(void *arg, const char *sentence);
	void *arg;
	char **gone; /* at the last check */
	char **now;  /* at this one; ends in NULL */
	size_t count;
};

static bool clear_listed(char **names, const char *name)
{
	for (char **at = names; at != NULL && *at != NULL; at++) {
		if (strcmp(*at, name) == 0) {
			return true;
		}
	}
	return false;
}

static void clear_add(struct clearing *clearing, const char *name)
{
	clearing->now = xrealloc(clearing->now, (clearing->count + 2) * sizeof(char *));
	clearing->now[clearing->count++] = xstrdup(name);
	clearing->now[clearing->count] = NULL;
}

static void clear_report(struct clearing *clearing, const char *what, const char *name, int code)
{
	CLEANUP_FREE char *text = xprintf("%s '%s'%s%s", what, name, code < 0 ? ": " : "",
					  code < 0 ? strerror(-code) : "");

	clearing->report(clearing->arg, text);
}

/* ---- use ---- */

/* Whether a pod's notes name the claim. A pod of which nothing can be read is taken to use it. */
static bool clear_pod_uses(int pod, const char *uid)
{
	CLEANUP_FD int pins =
		openat(pod, CLAIM_PINS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char **names = NULL, found[CLAIM_UID_MAX];
	int code = pins < 0 ? -errno : directory_names(pins, &names);
	bool uses = code < 0 && code != -ENOENT;

	for (char **at = names; at != NULL && *at != NULL; at++) {
		ssize_t length = readlinkat(pins, *at, found, sizeof(found) - 1);

		found[length > 0 ? length : 0] = '\0';
		uses = uses || (length < 0 && errno != ENOENT) || strcmp(found, uid) == 0;
	}
	names_finish(names);
	return uses;
}

/* Whether any pod may use it. uid NULL: an earlier release's directory, used by any pod whose
 * volumes this release has not made yet. */
static bool clear_used(struct clearing *clearing, const char *uid)
{
	char **pods = NULL;
	bool used = clearing->pods >= 0 && directory_names(clearing->pods, &pods) < 0;

	for (char **at = pods; at != NULL && *at != NULL && !used; at++) {
		CLEANUP_FD int pod = openat(clearing->pods, *at,
					    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (pod < 0) {
			used = errno != ENOENT && errno != ENOTDIR;
		} else if (uid != NULL) {
			used = clear_pod_uses(pod, uid);
		} else {
			used = faccessat(pod, POD_MADE, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
		}
	}
	names_finish(pods);
	return used;
}

/* ---- removal ---- */

static int clear_tree(int parent, const char *name)
{
	CLEANUP_FD int directory =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int code = directory < 0 ? -errno : volumes_tree_remove(directory);

	if (code == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0) {
		code = -errno;
	}
	return code == -ENOENT ? 0 : code;
}

/* Renames the directory first, so that no claim uses one that is half removed. */
static int clear_remove(struct clearing *clearing, int parent, const char *name)
{
	CLEANUP_FREE char *hidden = xprintf(REMOVING "%s", name);

	if (renameat(parent, name, clearing->claims, hidden) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	return clear_tree(clearing->claims, hidden);
}

/* ---- a check ---- */

/* What the API server says of a directory's claim: 0 and *ret, -ENOENT, or another error. */
static int clear_ask(struct clearing *clearing, int directory, struct claim_owner *ret_owner,
		     struct json_object **ret)
{
	int code = claim_owner_read(directory, ret_owner);

	/* A node that was killed while it made the directory: the pod's next try writes its
	 * owner. */
	if (code < 0) {
		return -EAGAIN;
	}
	return clearing->source->get(clearing->source->arg, "persistentvolumeclaims", ret_owner->ns,
				     ret_owner->name, ret, NULL);
}

/* The claim is gone, or is another one: removes the directory at the second check. mark is the name
 * of the directory in the list of those that are gone. */
static void clear_gone(struct clearing *clearing, int parent, const char *name, const char *mark,
		       const struct claim_owner *owner, const char *uid)
{
	CLEANUP_FREE char *claim = xprintf("%s/%s", owner->ns, owner->name);
	int code;

	if (clear_used(clearing, uid)) {
		return;
	}
	if (!clear_listed(clearing->gone, mark)) {
		clear_add(clearing, mark);
		return;
	}
	code = clear_remove(clearing, parent, name);
	clear_report(clearing,
		     code < 0 ? "cannot remove the data of a claim that was deleted, going on:"
			      : "removed the data of a claim that was deleted:",
		     claim, code);
}

static void clear_one(struct clearing *clearing, const char *uid)
{
	CLEANUP_FD int directory =
		openat(clearing->claims, uid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(claim_owner_finish) struct claim_owner owner = { 0 };
	CLEANUP_JSON struct json_object *claim = NULL;
	int code = directory < 0 ? -errno : clear_ask(clearing, directory, &owner, &claim);

	if (code == -ENOENT ||
	    (code == 0 && asb_uid(claim) != NULL && !asb_streq(asb_uid(claim), uid))) {
		clear_gone(clearing, clearing->claims, uid, uid, &owner, uid);
	}
}

/* An earlier release's directory: to the claim of its name that was there then, or away. */
static void clear_old(struct clearing *clearing, int old, const char *name)
{
	CLEANUP_FD int directory =
		openat(old, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FREE char *mark = xprintf("%s/%s", CLAIMS_OLD, name);
	CLEANUP(claim_owner_finish) struct claim_owner owner = { 0 };
	CLEANUP_JSON struct json_object *claim = NULL;
	int code = directory < 0 ? -errno : clear_ask(clearing, directory, &owner, &claim);

	if (code == 0 && is_plain(asb_uid(claim))) {
		code = claim_take_over(clearing->claims, claim);
		if (code == 0) {
			clear_report(
				clearing,
				"the directory that an earlier release made under a claim's name is that of the claim which has the name now:",
				name, 0);
			return;
		}
		/* The claim has a directory of its own already: it was made after the upgrade. */
		code = code == -EEXIST ? -ENOENT : code;
	}
	if (code == -ENOENT && owner.ns != NULL) {
		clear_gone(clearing, old, name, mark, &owner, NULL);
	}
}

static void clear_old_ones(struct clearing *clearing)
{
	CLEANUP_FD int old = openat(clearing->claims, CLAIMS_OLD,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char **names = NULL;

	if (old >= 0 && directory_names(old, &names) == 0) {
		for (char **at = names; *at != NULL; at++) {
			clear_old(clearing, old, *at);
		}
	}
	names_finish(names);
	unlinkat(clearing->claims, CLAIMS_OLD, AT_REMOVEDIR); /* once it is empty */
}

bool claims_clear(const char *root, const struct volume_source *source, struct claims_check *check,
		  void (*report)(void *arg, const char *sentence), void *arg)
{
	CLEANUP_FREE char *path = xprintf("%s/claims", root), *pods = xprintf("%s/pods", root);
	CLEANUP_FD int claims = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int pods_directory = open(pods, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct clearing clearing = { .source = source,
				     .claims = claims,
				     .pods = pods_directory,
				     .report = report,
				     .arg = arg,
				     .gone = check->gone };
	char **names = NULL;

	/* Without the pods' directory it is not known which claims are used. */
	if (claims < 0 || pods_directory < 0 || directory_names(claims, &names) < 0) {
		return false;
	}
	for (char **at = names; *at != NULL; at++) {
		if (strncmp(*at, REMOVING, strlen(REMOVING)) == 0) {
			clear_tree(claims, *at);
		} else if (strcmp(*at, CLAIMS_OLD) == 0) {
			clear_old_ones(&clearing);
		} else if (is_plain(*at)) {
			clear_one(&clearing, *at);
		}
	}
	names_finish(names);
	names_finish(check->gone);
	check->gone = clearing.now;
	return clearing.count > 0;
}

void claims_check_finish(struct claims_check *check)
{
	names_finish(check->gone);
	check->gone = NULL;
}
