/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the filter with libseccomp, which knows the numbers of the calls on every architecture that a
 * process may use. supervise.c has it made once; the threads of spawner.c install it. */
#include "config.h"

#include "runtime/exec/protect.h"

#include <stddef.h>

#if HAVE_SECCOMP

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/memory.h"

/* A call whose first argument is a process id. */
static const int first_is_pid[] = {
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_setattr),
	SCMP_SYS(sched_setparam),
	SCMP_SYS(sched_setscheduler),
};

/* Arguments are compared as the 32 bits that the kernel uses of them. */
#define IS(argument, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value))

static int protect_add_rules(scmp_filter_ctx context)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	pid_t server = getpid(), group = getpgrp();
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_LEN(first_is_pid); i++) {
		code = seccomp_rule_add(context, refuse, first_is_pid[i], 1, IS(0, server));
	}
	/* Reading the limits stays possible: the third argument is NULL then. */
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(prlimit64), 2, IS(0, server),
					   SCMP_CMP64(2, SCMP_CMP_NE, 0));
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(setpriority), 2,
					   IS(0, PRIO_PROCESS), IS(1, server));
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(setpriority), 2,
					   IS(0, PRIO_PGRP), IS(1, group));
	/* All processes of a user: the server is one of them. */
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(setpriority), 1,
					   IS(0, PRIO_USER));
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(ioprio_set), 2,
					   IS(0, IOPRIO_WHO_PROCESS), IS(1, server));
	code = code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(ioprio_set), 2,
					   IS(0, IOPRIO_WHO_PGRP), IS(1, group));
	return code < 0 ? code
			: seccomp_rule_add(context, refuse, SCMP_SYS(ioprio_set), 1,
					   IS(0, IOPRIO_WHO_USER));
}

/* Processes may also use the calls of the kernel's other interfaces on this architecture. */
static int protect_add_architectures(scmp_filter_ctx context)
{
#if defined(__x86_64__)
	static const uint32_t others[] = { SCMP_ARCH_X86, SCMP_ARCH_X32 };
#elif defined(__aarch64__)
	static const uint32_t others[] = { SCMP_ARCH_ARM };
#else
	static const uint32_t others[] = { SCMP_ARCH_NATIVE };
#endif
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_LEN(others); i++) {
		code = seccomp_arch_add(context, others[i]);
		code = code == -EEXIST ? 0 : code;
	}
	return code;
}

/* The filter as the kernel takes it: libseccomp writes it to a file. */
static struct sock_fprog *protect_export(scmp_filter_ctx context)
{
	struct sock_fprog *filter = NULL;
	struct stat info;
	int fd = memfd_create("filter", MFD_CLOEXEC);

	if (fd >= 0 && seccomp_export_bpf(context, fd) == 0 && fstat(fd, &info) == 0 &&
	    info.st_size > 0 && (size_t)info.st_size <= BPF_MAXINSNS * sizeof(struct sock_filter)) {
		filter = xnew(struct sock_fprog);
		filter->len = (unsigned short)((size_t)info.st_size / sizeof(struct sock_filter));
		filter->filter = xalloc((size_t)info.st_size);
		if (pread(fd, filter->filter, (size_t)info.st_size, 0) != (ssize_t)info.st_size) {
			protect_destroy(filter);
			filter = NULL;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return filter;
}

struct sock_fprog *protect_create(void)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	struct sock_fprog *filter = NULL;

	if (context == NULL) {
		return NULL;
	}
	if (seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW) == 0 &&
	    protect_add_architectures(context) == 0 && protect_add_rules(context) == 0) {
		filter = protect_export(context);
	}
	seccomp_release(context);
	return filter;
}

void protect_children(const struct sock_fprog *filter)
{
	/* Without the flag some kernels would slow all of the guest's programs down, to protect them from
	 * each other. */
	if (filter != NULL && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		(void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
			      filter);
	}
}

void protect_destroy(struct sock_fprog *filter)
{
	if (filter != NULL) {
		free(filter->filter);
		free(filter);
	}
}

#else

struct sock_fprog *protect_create(void)
{
	return NULL;
}

void protect_children(const struct sock_fprog *filter)
{
	(void)filter;
}

void protect_destroy(struct sock_fprog *filter)
{
	(void)filter;
}

#endif
