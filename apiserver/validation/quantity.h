/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities: 1, 500m, 1.5Gi, 1e3. */
#ifndef ASB_APISERVER_VALIDATION_QUANTITY_H
#define ASB_APISERVER_VALIDATION_QUANTITY_H

#include <json-c/json.h>
#include <stdbool.h>

/* Its value, from a string or a number; false: it is none. Exact to 15 digits: enough to compare. */
bool quantity_parse(struct json_object *value, double *ret);

#endif
