/* SPDX-License-Identifier: Apache-2.0 */
/* The names, keys and numbers that more than one kind has. */
#ifndef ASB_APISERVER_VALIDATION_NAME_H
#define ASB_APISERVER_VALIDATION_NAME_H

#include <stdint.h>

#include "apiserver/validation/validate.h"

/* Each adds causes for field. */
void validate_subdomain(const char *text, const char *field, struct causes *causes);
void validate_label(const char *text, const char *field, struct causes *causes);
void validate_label_1035(const char *text, const char *field, struct causes *causes);
/* prefix/Name */
void validate_qualified(const char *text, const char *field, struct causes *causes);
void validate_label_value(const char *text, const char *field, struct causes *causes);
/* An object of labels; NULL is fine. */
void validate_labels(struct json_object *labels, const char *field, struct causes *causes);
/* A key of a ConfigMap or Secret. */
void validate_config_key(const char *text, const char *field, struct causes *causes);
void validate_port(int64_t port, const char *field, struct causes *causes);
/* Adds NotSupported unless text is one of the options, which end in NULL. */
void validate_option(const char *text, const char *const *options, const char *field,
		     struct causes *causes);

#endif
