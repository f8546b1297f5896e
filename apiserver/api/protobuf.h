/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in Kubernetes' protobuf form, which kubectl sends from 1.32 on for what it makes itself
 * (create namespace, configmap, secret, serviceaccount, service, token; delete's options) and has no
 * other form for. Reading only, and only those kinds; answers are JSON, which it takes.
 */
#ifndef ASB_APISERVER_API_PROTOBUF_H
#define ASB_APISERVER_API_PROTOBUF_H

#include <json-c/json.h>
#include <stddef.h>

#include "base/error.h"

/* The object, the caller's. NULL and *reterr: -EINVAL for what is no such body, -ENOTSUP for a kind
 * or a field that is not known here, so that nothing is lost in silence. */
struct json_object *protobuf_parse(const void *data, size_t length, struct error *reterr);

#endif
