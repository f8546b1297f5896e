/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain YAML scalar means. For yaml.c alone. */
#ifndef ASB_BASE_YAML_SCALAR_H
#define ASB_BASE_YAML_SCALAR_H

#include <json-c/json.h>
#include <stddef.h>

/*
 * The value of a plain scalar by YAML's JSON schema: null (also ~ and nothing), true, false,
 * integers, floats; all else is a string. An integer beyond 64 bits becomes a double. text is
 * NUL-terminated. 0, or -ERANGE for a number no double holds.
 */
int yaml_scalar(const char *text, size_t length, struct json_object **ret);

#endif
