/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the header that tells a client the name of a file. */
#ifndef ASB_RUNTIME_FILES_DISPOSITION_H
#define ASB_RUNTIME_FILES_DISPOSITION_H

#include "base/buf.h"

/* Appends the value of Content-Disposition for a file of that name: attachment with filename, or
 * with filename* (RFC 5987) when a byte needs an escape. No name can end the value early. */
void disposition_append(struct buf *buf, const char *name);

#endif
