/* SPDX-License-Identifier: Apache-2.0 */
/* $(NAME) in texts of a pod. */
#ifndef ASB_NODE_ENV_EXPAND_H
#define ASB_NODE_ENV_EXPAND_H

#include "base/buf.h"

/* The value of the name, which is length long and not terminated; NULL: there is none. */
typedef const char *(*env_lookup)(void *arg, const char *name, size_t length);

/*
 * Appends text with each $(NAME) replaced by its value, once: values are not looked into. $$ is a
 * $, so $$(NAME) stays $(NAME). A name without a value, a $( without its ) and a $ before anything
 * else stay as they are. 0, or -ENOSPC: out's ceiling.
 */
int env_expand_text(const char *text, env_lookup lookup, void *arg, struct buf *out);

#endif
