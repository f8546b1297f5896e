/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has, or what a pod asks for: CPU, memory and a number of pods. */
#ifndef ASB_NODE_POD_CAPACITY_H
#define ASB_NODE_POD_CAPACITY_H

#include <stdint.h>

struct node_capacity {
	uint64_t cpu_milli; /* thousandths of a core */
	uint64_t memory;    /* bytes */
	uint64_t pods;
};

#endif
