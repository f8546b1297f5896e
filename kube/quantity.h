/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities of Kubernetes: "500m", "1Gi", "1e3", "0.5", exact to a billionth.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 *
 * What is finer than a billionth is rounded away from zero, and what is over 2^63-1 is 2^63-1, as
 * in Kubernetes. Asking for whole units or thousandths rounds the same way: a limit of "100m" bytes
 * is one byte, never none.
 */
#ifndef ASB_KUBE_QUANTITY_H
#define ASB_KUBE_QUANTITY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct quantity {
	uint64_t whole; /* at most INT64_MAX */
	uint32_t nano;  /* billionths, less than one */
	bool negative;
};

/* -EINVAL for text that is no quantity. */
int quantity_parse(const char *text, struct quantity *ret);
/* The same of a JSON string or number; -EINVAL also for NULL. */
int quantity_read(struct json_object *value, struct quantity *ret);
int64_t quantity_value(const struct quantity *quantity);
/* Thousandths, as cores are counted. */
int64_t quantity_milli(const struct quantity *quantity);
/* Whether it is greater than 0. */
bool quantity_positive(const struct quantity *quantity);
/* Less than, equal to, greater than 0, as a is to b. */
int quantity_compare(const struct quantity *a, const struct quantity *b);

/* A resource of a list such as resources.limits; 0 where it is absent, negative or nonsense. */
uint64_t quantity_value_of(struct json_object *list, const char *name);
uint64_t quantity_milli_of(struct json_object *list, const char *name);

#endif
