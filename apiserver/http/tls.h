/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of local mode: an own CA (ECDSA P-256, ten years) and the server's leaf for
 * 127.0.0.1, ::1 and localhost (a year, made again at a start within its last 60 days). Kept in the
 * state directory; keys have mode 0600.
 */
#ifndef ASB_APISERVER_HTTP_TLS_H
#define ASB_APISERVER_HTTP_TLS_H

#include <stdint.h>

#include "base/error.h"

struct tls_files {
	char *ca;   /* PEM text of the CA's certificate */
	char *leaf; /* of the leaf, then the CA's */
	char *key;  /* of the leaf's key */
};

/* Reads what directory has (ca.crt, ca.key, server.crt, server.key), makes what is missing or too old
 * at now_s (since 1970). 0, or a negative code and *reterr. */
int tls_load(const char *directory, int64_t now_s, struct tls_files *ret, struct error *reterr);
void tls_finish(struct tls_files *files);

#endif
