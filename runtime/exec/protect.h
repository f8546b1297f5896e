/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter that keeps commands of the server's own user away from the server's limits and
 * scheduling: prlimit(2), setpriority(2), ioprio_set(2) and the sched_set*(2) calls check user ids only,
 * and a process that is not dumpable is not protected from them. The threads that start programs install
 * the filter for themselves, and whatever they start inherits it. Commands of another user need no filter:
 * the kernel refuses them these calls.
 *
 * https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html
 */
#ifndef ASB_RUNTIME_EXEC_PROTECT_H
#define ASB_RUNTIME_EXEC_PROTECT_H

#include <linux/filter.h>

/* The filter that protects the calling process. It is destroyed with protect_destroy. NULL where this
 * build has no libseccomp, or there is no memory: commands then run without it. */
struct sock_fprog *protect_create(void);
/* Installs the filter for the calling thread and all of its children, which also cannot gain privileges
 * by exec from then on. NULL, and a kernel without seccomp, change nothing. */
void protect_children(const struct sock_fprog *filter);
/* NULL is fine. */
void protect_destroy(struct sock_fprog *filter);

#endif
