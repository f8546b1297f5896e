/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of local mode's state: token, keys, database, kubeconfig. Whoever could write there
 * would choose who may ask the API, so it is trusted only where nobody else could have.
 */
#ifndef ASB_LOCAL_STATE_DIRECTORY_H
#define ASB_LOCAL_STATE_DIRECTORY_H

#include "base/error.h"

/* Makes the directory and those above it, mode 0700, and checks it as state_folder_check does. 0, or a
 * negative code and a sentence that says what to do. */
int state_directory_make(const char *path, struct error *reterr);

/*
 * Refuses with -EPERM a directory that is not the caller's, that others may write to, or that a link of
 * somebody else leads to; in it a link, a file of somebody else's, one that others may write to, and
 * a token, a key or a database that others may read. 0 also where there is no such directory.
 */
int state_directory_check(const char *path, struct error *reterr);

#endif
