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

/* Returns the object, the caller's. NULL and *reterr: -EINVAL for a body that is not protobuf of
 * that form, -ENOTSUP for a kind or a field that this server does not know, so that nothing is
 * lost silently. */
struct json_object *protobuf_parse(const void *data, size_t length, struct error *reterr);

#endif
