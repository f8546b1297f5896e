/* SPDX-License-Identifier: Apache-2.0 */
/* The main function of agent-sandbox-node: reads the flags, then runs the node or ends its pods. */
#include "config.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/observe/log.h"
#include "net/curl-transport.h"
#include "node/end-pods.h"
#include "node/node.h"
#include "node/process/process.h"

#define CLOEXEC_RANGE 4u /* CLOSE_RANGE_CLOEXEC, since Linux 5.11 */

/* Descriptors that were open at the start, such as a lock of local mode, must not be inherited by
 * programs in pods, which may outlive this process. */
static void main_keep_descriptors(void)
{
	if (syscall(SYS_close_range, 3u, ~0u, CLOEXEC_RANGE) < 0) {
		(void)fcntl(3, F_SETFD, FD_CLOEXEC);
	}
}

int main(int argc, char **argv)
{
	struct node_options options;
	struct error error = { 0 };

	if (argc > 1 && strcmp(argv[1], PROCESS_SUPERVISOR) == 0) {
		return process_supervise(argc, argv);
	}
	mallopt(M_ARENA_MAX, 2); /* an arena a thread would cost more than all pods do */
	/* Trees come and go between large blocks, each of which would merge the fast bins. */
	mallopt(M_MXFAST, 0);
	if (node_options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "agent-sandbox-node: %s\n", error.text);
		return 2;
	}
	if (options.help) {
		node_options_help(stdout);
		return fflush(stdout) != 0 ? 1 : 0;
	}
	if (options.version) {
		printf("agent-sandbox-node %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (log_set_up(options.log_format, options.log_level, &error) < 0) {
		fprintf(stderr, "agent-sandbox-node: %s\n", error.text);
		return 2;
	}
	main_keep_descriptors();
	return (options.end_pods ? end_pods_run(&options) : node_run(&options)) < 0 ? 1 : 0;
}
