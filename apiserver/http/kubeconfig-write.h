/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the kubeconfig through which kubectl and clients find local mode. */
#ifndef ASB_APISERVER_HTTP_KUBECONFIG_WRITE_H
#define ASB_APISERVER_HTTP_KUBECONFIG_WRITE_H

#include "base/error.h"

/* Atomically, mode 0600. server: "https://127.0.0.1:PORT"; ca: PEM. */
int kubeconfig_write(const char *path, const char *server, const char *ca, const char *token,
		     struct error *reterr);
/* A small file, atomically, with that mode: for keys, tokens and the like. */
int private_file_write(const char *path, const void *data, unsigned int length, unsigned int mode,
		       struct error *reterr);

#endif
