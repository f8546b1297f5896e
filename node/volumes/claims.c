/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the directories of claims, by UID, and hands those of earlier releases on. Called by
 * volumes.c for pods; clear.c removes what is over. */
#include "config.h"

#include "node/volumes/claims.h"

#include <agent-sandbox/helpers.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "node/volumes/claims-private.h"
#include "node/volumes/files.h"

/* ---- who a directory is of ---- */

int claim_owner_write(int directory, const char *ns, const char *name, int64_t since_ms)
{
	CLEANUP_FREE char *text = xprintf("%s/%s\n%lld\n", ns, name, (long long)since_ms);
	CLEANUP_FREE char *path = xprintf("%s/%s", fd_path(directory).text, CLAIM_OWNER);

	return file_replace(path, text, strlen(text), 0600, true);
}

int claim_owner_read(int directory, struct claim_owner *ret)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", fd_path(directory).text, CLAIM_OWNER);
	CLEANUP_BUF struct buf text = BUF_INIT(CLAIM_OWNER_MAX);
	int code = file_read(path, &text);
	char *line, *name;

	if (code < 0) {
		return code;
	}
	line = strchr(buf_str(&text), '\n');
	name = strchr(buf_str(&text), '/');
	if (line == NULL || name == NULL || name > line) {
		return -EINVAL;
	}
	*line++ = '\0';
	*name++ = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (integer_parse(line, 0, INT64_MAX, &ret->since_ms) < 0) {
		return -EINVAL;
	}
	ret->ns = xstrdup(buf_str(&text));
	ret->name = xstrdup(name);
	return 0;
}

void claim_owner_finish(struct claim_owner *owner)
{
	free(owner->ns);
	free(owner->name);
}

/* ---- directories of earlier releases ---- */

/* One of them into claims/old. What is done twice, after a kill in the middle, does no harm: the
 * last step is the move. */
static int claims_set_aside(int claims, int old, const char *name, int64_t now_ms)
{
	const char *under = strchr(name, '_');
	CLEANUP_FREE char *ns = xstrndup(name, (size_t)(under - name));
	CLEANUP_FD int directory = directory_make(old, name, 0700, NULL);
	int code = directory < 0 ? directory : claim_owner_write(directory, ns, under + 1, now_ms);

	if (code == 0 && renameat(claims, name, directory, CLAIM_DATA) < 0) {
		code = -errno;
	}
	return code;
}

int claims_upgrade(const char *root, int64_t now_ms, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/claims", root);
	CLEANUP_FD int claims = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int old = -1;
	char **names = NULL;
	int code = claims < 0 ? -errno : directory_names(claims, &names);

	if (code == -ENOENT) {
		return 0; /* there was never a claim */
	}
	for (char **at = names; code == 0 && *at != NULL; at++) {
		/* No UID has such a character, and no namespace. */
		const char *under = strchr(*at, '_');

		if (under == NULL || under == *at || **at == '.') {
			continue;
		}
		if (old < 0) {
			old = directory_make(claims, CLAIMS_OLD, 0700, NULL);
		}
		code = old < 0 ? old : claims_set_aside(claims, old, *at, now_ms);
	}
	names_finish(names);
	return code == 0
		       ? 0
		       : error_set(
				 reterr, code,
				 "cannot set the directories of claims aside that an earlier release made in '%s': %s",
				 path, strerror(-code));
}

int claim_take_over(int claims, struct json_object *claim)
{
	CLEANUP_FREE char *name = xprintf("%s_%s", asb_ns(claim), asb_name(claim));
	CLEANUP_FD int old = openat(claims, CLAIMS_OLD, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int directory =
		old < 0 ? -errno : open_beneath(old, name, O_RDONLY | O_DIRECTORY, 0, 0);
	CLEANUP(claim_owner_finish) struct claim_owner owner = { 0 };
	int64_t created_ms;
	int code = directory < 0 ? directory : claim_owner_read(directory, &owner);

	if (code == 0 && faccessat(directory, CLAIM_DATA, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		code = -errno;
	}
	if (code == 0 &&
	    (!asb_time_parse(asb_str(claim, "metadata", "creationTimestamp"), &created_ms) ||
	     created_ms > owner.since_ms)) {
		return -ENOENT;
	}
	/* Onto nothing: a claim that has a directory keeps it. */
	if (code == 0 && renameat2(old, name, claims, asb_uid(claim), RENAME_NOREPLACE) < 0) {
		code = -errno;
	}
	return code;
}

/* ---- a pod's claim ---- */

/* The UID that a volume of a pod was first made of: "" for none. */
static int claim_pinned(int pins, const char *volume, char ret_uid[CLAIM_UID_MAX])
{
	ssize_t length = readlinkat(pins, volume, ret_uid, CLAIM_UID_MAX - 1);

	if (length < 0 && errno != ENOENT) {
		return -errno;
	}
	ret_uid[length > 0 ? length : 0] = '\0';
	return 0;
}

/* Notes the use, or says why there is none. */
static int claim_pin(int pod, const char *volume, struct json_object *claim, struct error *reterr)
{
	CLEANUP_FD int pins = directory_make(pod, CLAIM_PINS, 0700, NULL);
	const char *uid = asb_uid(claim), *name = asb_name(claim);
	char pinned[CLAIM_UID_MAX] = "";
	int code = pins < 0 ? pins : claim_pinned(pins, volume, pinned);

	if (code == 0 && *pinned != '\0' && strcmp(pinned, uid) != 0) {
		return error_set(
			reterr, -EAGAIN,
			"persistentvolumeclaim \"%s\" is not the one that this pod began to use: that was deleted, and another of its name was made",
			name);
	}
	if (code == 0 && *pinned == '\0' && asb_deleting(claim)) {
		return error_set(reterr, -EAGAIN,
				 "can't start pod because PVC %s/%s is being deleted",
				 asb_ns(claim), name);
	}
	if (code == 0 && *pinned == '\0' && symlinkat(uid, pins, volume) < 0) {
		code = -errno;
	}
	return code == 0 ? 0
			 : error_set(reterr, code, "noting the use of claim '%s': %s", name,
				     strerror(-code));
}

/* Its directory of mode 0700 and, in it, the one for data. */
static int claim_make(const char *path, struct json_object *claim, bool *ret_old)
{
	const char *uid = asb_uid(claim), *ns = asb_ns(claim), *name = asb_name(claim);
	CLEANUP_FD int claims = directory_make_path(path, 0700);
	CLEANUP(claim_owner_finish) struct claim_owner owner = { 0 };
	int code;

	if (claims < 0) {
		return claims;
	}
	if (faccessat(claims, uid, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		code = claim_take_over(claims, claim);
		if (code < 0 && code != -ENOENT) {
			return code;
		}
	}

	CLEANUP_FD int directory = directory_make(claims, uid, 0700, NULL);

	code = directory < 0 ? directory : claim_owner_read(directory, &owner);
	*ret_old = code == 0 && owner.since_ms > 0;
	if (directory >= 0 && (code < 0 || *ret_old)) {
		code = claim_owner_write(directory, ns, name, 0);
	}
	return code < 0 ? code : directory_make(directory, CLAIM_DATA, 0777, NULL);
}

int claim_open(const char *root, int pod, const char *volume, struct json_object *claim,
	       char **ret_path, bool *ret_old, struct error *reterr)
{
	CLEANUP_FREE char *claims = xprintf("%s/claims", root);
	const char *uid = asb_uid(claim);
	int code;

	if (!is_plain(uid) || strlen(uid) >= CLAIM_UID_MAX) {
		return error_set(reterr, -EAGAIN, "persistentvolumeclaim \"%s\" has no uid",
				 asb_name(claim));
	}
	code = claim_pin(pod, volume, claim, reterr);
	if (code < 0) {
		return code;
	}
	code = claim_make(claims, claim, ret_old);
	if (code < 0) {
		return error_set(reterr, code == -ENOSPC ? -EAGAIN : code,
				 "making a directory for claim '%s' in '%s': %s", asb_name(claim),
				 claims, strerror(-code));
	}
	*ret_path = xprintf("%s/%s/%s", claims, uid, CLAIM_DATA);
	return code;
}
