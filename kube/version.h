/* SPDX-License-Identifier: Apache-2.0 */
/* Resource versions as numbers: comparable within one resource since KEP-5504. */
#ifndef ASB_KUBE_VERSION_H
#define ASB_KUBE_VERSION_H

#include <stddef.h>
#include <stdint.h>

/* The number, or 0 for text that is none (empty, not all digits, over 64 bits). */
uint64_t version_parse(const char *text, size_t length);

#endif
