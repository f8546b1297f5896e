/* SPDX-License-Identifier: Apache-2.0 */
/* What HAProxy is confined to when the router runs as root: it parses what strangers and sandboxes
 * send, so it does that as a user without rights, in an empty directory. */
#ifndef ASB_ROUTER_JAIL_H
#define ASB_ROUTER_JAIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* In the run directory: HAProxy's root directory, with nothing in it but the socket of its log. */
#define JAIL_DIR "root"

struct jail {
	bool on; /* else HAProxy has the router's user and sees the file system */
	uid_t uid;
	gid_t gid;
};

/* Chooses the account (haproxy, else nobody) and makes the directory in run_dir, which must exist. Off
 * when the router is not root, and, with a warning in the log, where the system does not let root
 * change its user or its root directory (a container without those capabilities). */
int jail_open(const char *run_dir, struct jail *ret, struct error *reterr);

#endif
