/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the table of kinds share. Private to apiserver/types and apiserver/kinds. */
#ifndef ASB_APISERVER_TYPES_TYPES_PRIVATE_H
#define ASB_APISERVER_TYPES_TYPES_PRIVATE_H

#include <stddef.h>

#include "apiserver/types/types.h"

/* 10.96.0.0/16, as kubeadm's default begins. */
#define ADDRESS_PREFIX "10.96"
#define ADDRESSES 65536u

struct custom;

struct types {
	struct types_callbacks callbacks;
	const struct type *builtin;
	size_t builtin_count;
	struct custom **customs; /* by group, version, plural */
	size_t custom_count;
	uint64_t addresses[ADDRESSES / 64]; /* of Services: a bit for each that is taken */
};

/* Of the built-in kinds; *ret_count is how many. */
const struct type *types_builtin(size_t *ret_count);

/* Another object, borrowed, or NULL: version and plural of a built-in kind. */
struct json_object *types_get(const struct types *types, const char *group, const char *version,
			      const char *plural, const char *ns, const char *name);

/* The refusal of an admission: '<plural> "<name>" is forbidden: ...'. Keeps the first. */
void request_forbid(struct type_request *request, struct json_object *object, const char *format,
		    ...) PRINTF_LIKE(3, 4);
/* A Warning header. */
void request_warn(struct type_request *request, const char *format, ...) PRINTF_LIKE(2, 3);

/* The types of a CustomResourceDefinition. */
void crd_stored(struct types *types, struct json_object *crd);
void crd_removed(struct types *types, const char *name);
void crd_finish(struct types *types);
const struct type *crd_type(const struct types *types, size_t position);

/* The hooks of the built-in kinds. */
void pod_set_defaults(struct json_object *pod);
void pod_prepare(struct type_request *request, enum type_operation operation,
		 struct json_object *pod, struct json_object *old);
void pod_validate(struct json_object *pod, struct json_object *old, enum type_operation operation,
		  struct causes *causes);
void service_set_defaults(struct json_object *service);
void service_prepare(struct type_request *request, enum type_operation operation,
		     struct json_object *service, struct json_object *old);
void service_validate(struct json_object *service, struct json_object *old,
		      enum type_operation operation, struct causes *causes);
void service_stored(struct types *types, struct json_object *service);
void service_removed(struct types *types, struct json_object *service);
void crd_set_defaults(struct json_object *crd);
void crd_prepare(struct type_request *request, enum type_operation operation,
		 struct json_object *crd, struct json_object *old);
void crd_validate(struct json_object *crd, struct json_object *old, enum type_operation operation,
		  struct causes *causes);

void namespace_set_defaults(struct json_object *object);
void namespace_prepare(struct type_request *request, enum type_operation operation,
		       struct json_object *object, struct json_object *old);
void claim_set_defaults(struct json_object *object);
void claim_prepare(struct type_request *request, enum type_operation operation,
		   struct json_object *object, struct json_object *old);
void claim_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes);
void secret_set_defaults(struct json_object *object);
void secret_validate(struct json_object *object, struct json_object *old,
		     enum type_operation operation, struct causes *causes);
void config_map_validate(struct json_object *object, struct json_object *old,
			 enum type_operation operation, struct causes *causes);
void runtime_class_validate(struct json_object *object, struct json_object *old,
			    enum type_operation operation, struct causes *causes);
void lease_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes);
void policy_set_defaults(struct json_object *object);
void policy_validate(struct json_object *object, struct json_object *old,
		     enum type_operation operation, struct causes *causes);
void event_set_defaults(struct json_object *object);
void event_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes);
void node_set_defaults(struct json_object *object);

/* Their columns and cells (apiserver/types/table-cells.c, apiserver/types/table-pod.c). */
extern const struct type_column pod_columns[], service_columns[], node_columns[],
	namespace_columns[], event_columns[], claim_columns[], config_map_columns[],
	secret_columns[], lease_columns[], runtime_class_columns[], policy_columns[], crd_columns[],
	endpoints_columns[], slice_columns[];
void pod_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void service_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void node_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void namespace_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void event_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void claim_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void config_map_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void secret_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void lease_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void runtime_class_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void policy_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void crd_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void endpoints_cells(struct json_object *object, int64_t now_ms, struct json_object *row);
void slice_cells(struct json_object *object, int64_t now_ms, struct json_object *row);

#endif
