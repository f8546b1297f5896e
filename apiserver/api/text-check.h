/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strings of requests may hold. Whoever reads an object later reads its strings up to a NUL, so
 * that a name with one would be two names; and one byte that is not UTF-8 keeps every client from
 * listing the kind. json-c's trees keep both.
 */
#ifndef ASB_APISERVER_API_TEXT_CHECK_H
#define ASB_APISERVER_API_TEXT_CHECK_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/error.h"

/* Whether all names and strings of a tree are UTF-8. */
bool text_is_utf8(struct json_object *tree);

enum text_rule {
	TEXT_NOWHERE, /* no string has a NUL */
	TEXT_OBJECT,  /* nor has one of an object, but for what is kept and never read: annotations,
			  data of ConfigMaps, messages of events */
	TEXT_PLACE,   /* nor has what says which object it is: apiVersion, kind, the namespace */
	TEXT_METADATA, /* nor has what stands in metadata, but for annotations; the rest is foreign */
};

/* 0, or -EINVAL and *reterr, which begins with the path of a string that has a NUL. */
int text_check_nul(struct json_object *tree, enum text_rule rule, struct error *reterr);
/* The same for a patch: what says where and how it is to be applied (JSON patch: op, path, from;
 * members that begin with '$'). What it writes is looked at in the object that comes out. */
int text_check_patch(struct json_object *patch, struct error *reterr);

#endif
