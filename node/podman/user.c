/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a user is provably not root. Called by container.c before a container with
 * runAsNonRoot is made. */
#include "config.h"

#include "node/podman/user.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

/* What Podman would look up in the image's /etc/passwd, beyond which it finds nothing. */
#define UID_LARGEST INT64_C(0x7fffffff)

/* Podman reads a number as Go does, where "00" and "+0" are 0 too, and looks up as a name what it
 * cannot read: so nothing but digits is a number here, and a name may be root's. */
static bool user_is_digits(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool user_is_zero(const char *text)
{
	if (*text == '+' || *text == '-') {
		text++;
	}
	return user_is_digits(text) && strspn(text, "0") == strlen(text);
}

int user_check_non_root(const char *user, bool of_image, struct error *reterr)
{
	CLEANUP_FREE char *name = xstrndup(user, strcspn(user, ":"));
	int64_t uid;

	if (!of_image && user_is_zero(name)) {
		return error_set(reterr, -EPERM, "container's runAsUser breaks non-root policy");
	}
	if (*name == '\0' || user_is_zero(name) || strcmp(name, "root") == 0) {
		return error_set(reterr, -EPERM,
				 "container has runAsNonRoot and image will run as root");
	}
	if (!user_is_digits(name)) {
		return error_set(
			reterr, -EPERM,
			"container has runAsNonRoot and image has non-numeric user (%.200s), cannot verify user is non-root",
			name);
	}
	if (integer_parse(name, 1, UID_LARGEST, &uid) < 0) {
		return error_set(
			reterr, -EPERM,
			"container has runAsNonRoot and user %.200s is not an uid from 1 to %lld, cannot verify user is non-root",
			name, (long long)UID_LARGEST);
	}
	return 0;
}
