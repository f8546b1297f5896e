/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of schemas. Kubernetes reads them as RE2; here they are translated to POSIX extended
 * expressions. Known: literals, escapes, . ^ $ \A \z, classes with ranges, \d \w \s and their
 * opposites, [:alpha:] names, groups (also (?:...) and named ones), | * + ? {n,m}, lazy forms.
 * Unknown, and so refused: flags such as (?i), \b, \p{...}, \C, \Q...\E, bounds that multiply to
 * more than PATTERN_REPEAT_MAX. Text is matched by bytes: in "^.{3}$" a letter beyond ASCII counts as
 * many. A match takes time linear in the text.
 */
#ifndef ASB_LOCAL_SCHEMA_PATTERN_H
#define ASB_LOCAL_SCHEMA_PATTERN_H

#include <stdbool.h>

#define PATTERN_MAX 1024        /* bytes; the longest in use have some 300 */
#define PATTERN_REPEAT_MAX 1000 /* as RE2: nested bounds multiply, and so does the automaton */
#define PATTERN_DEPTH_MAX 16    /* of groups */

struct pattern;

/* NULL: unknown or wrong. */
struct pattern *pattern_compile(const char *text);
void pattern_destroy(struct pattern *pattern);
/* Whether it is found anywhere in text. Any thread. */
bool pattern_matches(const struct pattern *pattern, const char *text);

#endif
