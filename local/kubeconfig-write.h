/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the kubeconfig through which kubectl and clients find local mode. */
#ifndef ASB_LOCAL_KUBECONFIG_WRITE_H
#define ASB_LOCAL_KUBECONFIG_WRITE_H

#include "base/error.h"

/* Replaces the file at path in one step, with mode 0600. server: "https://127.0.0.1:PORT"; ca: PEM.
 * 0, or a negative errno and *reterr. */
int kubeconfig_write(const char *path, const char *server, const char *ca, const char *token,
		     struct error *reterr);

#endif
