/* SPDX-License-Identifier: Apache-2.0 */
/* hostPath volumes. */
#ifndef ASB_NODE_VOLUMES_HOST_H
#define ASB_NODE_VOLUMES_HOST_H

#include "base/error.h"

/* Whether a path of the host is of the type that the volume asks for; DirectoryOrCreate and
 * FileOrCreate make it. -EAGAIN: it is another thing, or not there. -EINVAL: no path, no type. */
int host_path_check(const char *path, const char *type, struct error *reterr);

#endif
