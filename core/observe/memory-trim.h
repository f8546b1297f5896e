/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that start-up and bursts leave behind, given back. */
#ifndef ASB_CORE_OBSERVE_MEMORY_TRIM_H
#define ASB_CORE_OBSERVE_MEMORY_TRIM_H

/*
 * Returns free heap to the kernel, and lets go of the pages of programs and libraries: those still
 * needed come back one by one from the page cache, the many that only start-up needed do not. Any
 * thread, any time; costs about 0.2 ms.
 */
void memory_trim(void);

#endif
