/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of schemas, matched by RE2: the language is that of Kubernetes' (Go's) expressions, which
 * has neither look-around nor back references, and a match takes time linear in the text. How much
 * that is for one character depends on the pattern: pattern_cost tells.
 *
 * A pattern is compiled when it is first matched. Any thread may use one.
 */
#ifndef ASB_APISERVER_SCHEMA_PATTERN_H
#define ASB_APISERVER_SCHEMA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define PATTERN_REASON_MAX 512

struct pattern;

struct pattern *pattern_create(const char *text, size_t length);
void pattern_destroy(struct pattern *pattern);
/* The instructions that each character of a text may take, at most; 0: it is no expression. */
size_t pattern_cost(const struct pattern *pattern);
/* The same for one that will not be matched: it is not kept compiled. Where it is no expression, the
 * reason in the API server's words goes to reason. */
size_t pattern_check(const struct pattern *pattern, char reason[PATTERN_REASON_MAX]);
/* Whether it is found anywhere in text. What is no expression is found everywhere: such a schema was
 * stored by a program that did not look. */
bool pattern_matches(const struct pattern *pattern, const char *text, size_t length);

#endif
