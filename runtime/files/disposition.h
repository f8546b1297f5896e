/* SPDX-License-Identifier: Apache-2.0 */
/* The header that tells a client under which name to keep a file. */
#ifndef ASB_RUNTIME_FILES_DISPOSITION_H
#define ASB_RUNTIME_FILES_DISPOSITION_H

#include "base/buf.h"

/* Appends the value of Content-Disposition for a file of that name: attachment, with filename where
 * its bytes need no escape, else with filename* (RFC 5987). Nothing in a name gets out of it. */
void disposition_append(struct buf *buf, const char *name);

#endif
