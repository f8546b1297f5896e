/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the header section of an HTTP/1 response ends and what its status is: all there is to read
 * before a connection becomes something else (exec, port-forward, a log), which no HTTP client
 * library hands over.
 */
#ifndef ASB_NET_HTTP_HEAD_H
#define ASB_NET_HTTP_HEAD_H

#include "base/buf.h"

/* The status (100 to 999), and in *ret_length how long the head is, empty line included; 0 when it
 * is not whole yet; -EPROTO when it is none. */
int http_head_status(const struct buf *response, size_t *ret_length);

#endif
