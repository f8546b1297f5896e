/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML 1.1 text to json-c trees by libyaml, as Kubernetes' tools read it: plain scalars become
 * null, booleans (true, false only), integers and floats by the JSON schema; quoted ones stay
 * strings; merge keys and non-string keys are errors; anchors and aliases work within the size
 * limit. JSON is YAML, so it is read too.
 */
#ifndef ASB_BASE_YAML_H
#define ASB_BASE_YAML_H

#include <json-c/json.h>

#include "base/error.h"

#define YAML_DEPTH_MAX 100
#define YAML_NODES_MAX 1000000 /* a mapping counts as 8, for the memory it takes */
#define YAML_ALIAS_NODES_MAX \
	100000                 /* of those, what aliases repeat: a few lines could name billions */
#define YAML_DIRECTIVES_MAX 16 /* libyaml compares each with all before */

/* Parses a stream of documents into an array of trees, empty documents left out. NULL and *reterr
 * (-EINVAL, with the line) on bad text. */
struct json_object *yaml_parse_all(const char *text, size_t length, struct error *reterr);
/* The same for exactly one document. */
struct json_object *yaml_parse(const char *text, size_t length, struct error *reterr);

#endif
