/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of local mode: token, keys, database, kubeconfig. Whoever can write to it can
 * control who may use the API, so it is used only when no other user could have written to it.
 */
#ifndef ASB_LOCAL_STATE_DIRECTORY_H
#define ASB_LOCAL_STATE_DIRECTORY_H

#include "base/error.h"

/* Creates the directory and its parents, mode 0700, and checks it as state_directory_check does. 0,
 * or a negative code and *reterr, which says what to do. */
int state_directory_make(const char *path, struct error *reterr);

/*
 * Refuses with -EPERM a directory that belongs to another user, that others may write to, or that
 * is reached by a link of another user. In the directory it refuses links, files of other users,
 * files that others may write to, and a token, a key or a database that others may read. Returns 0
 * also when the directory does not exist.
 */
int state_directory_check(const char *path, struct error *reterr);

#endif
