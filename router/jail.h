/* SPDX-License-Identifier: Apache-2.0 */
/* How HAProxy is confined when the router runs as root. It parses what clients and sandboxes send,
 * so it runs as a user without permissions, in an empty root directory. */
#ifndef ASB_ROUTER_JAIL_H
#define ASB_ROUTER_JAIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* In the run directory: HAProxy's root directory, with nothing in it but the socket of its log. */
#define JAIL_DIR "root"

struct jail {
	bool on; /* false: HAProxy has the router's user and root directory */
	uid_t uid;
	gid_t gid;
};

/* Chooses the account (haproxy, otherwise nobody) and creates the directory in run_dir, which must
 * exist. ret->on is false when the router is not root, and, with a warning in the log, when the
 * system does not let root change its user or its root directory (a container without those
 * capabilities). */
int jail_open(const char *run_dir, struct jail *ret, struct error *reterr);

#endif
