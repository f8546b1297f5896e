/* SPDX-License-Identifier: Apache-2.0 */
/* The program agent-sandbox-runtime: reads the flags, connects the parts and runs until a
 * signal. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/exec/supervise.h"
#include "runtime/exec/users.h"
#include "runtime/options.h"
#include "runtime/routes/health.h"
#include "runtime/routes/routes-execute.h"
#include "runtime/routes/routes-files.h"
#include "runtime/runtime.h"

#define TOKEN_MAX 4096u
#define OUTPUT_ALL (256u << 20) /* the memory for the outputs of all commands */
#define MAPPED_FROM (64 << 10)  /* blocks of this size return to the kernel when freed */

struct process {
	struct options options;
	struct user user;
	char **environment;
	char token[TOKEN_MAX + 2];
	struct rlimit files;
	struct runtime runtime;
	struct server *server;
};

/* Reads the first line of the file. */
static int main_read_token(const char *path, char *ret, struct error *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd >= 0 ? read(fd, ret, TOKEN_MAX + 1) : -1;
	int code = -errno;

	if (fd >= 0) {
		close(fd);
	}
	if (length < 0) {
		return error_set(reterr, code, "cannot read $SANDBOX_TOKEN_FILE '%.200s': %s", path,
				 strerror(-code));
	}
	ret[length] = '\0';
	ret[strcspn(ret, "\r\n")] = '\0';
	if (length > (ssize_t)TOKEN_MAX || ret[0] == '\0') {
		return error_set(reterr, -EINVAL,
				 "$SANDBOX_TOKEN_FILE '%.200s' holds no token of 1 to %u bytes",
				 path, TOKEN_MAX);
	}
	return 0;
}

#define FIRST_REALTIME_SIGNAL 32 /* of the kernel */
#define KERNEL_SIGSET_SIZE 8

/* Commands would inherit ignored signals: a shell's "&" ignores SIGINT and SIGQUIT, nohup ignores
 * SIGHUP. With SIGCHLD ignored the kernel would also reap children before the server knows how they
 * ended. */
static void main_ignore_nothing(void)
{
	struct sigaction action;

	for (int number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
			(void)signal(number, SIG_DFL);
		}
	}
	/* The C library keeps the signals below SIGRTMIN for itself and does not let its callers change
	 * them, but it has no handlers for them before there are threads. */
	for (int number = FIRST_REALTIME_SIGNAL; number < SIGRTMIN; number++) {
		const unsigned char by_default[64] = { 0 }; /* struct sigaction of the kernel */

		(void)syscall(SYS_rt_sigaction, number, by_default, NULL, KERNEL_SIGSET_SIZE);
	}
}

/* Protects the server from the guest, and prepares it for many connections. */
static void main_prepare(struct process *process)
{
	sigset_t all;

	/* Signals are read from a descriptor. SIGPIPE is blocked, not ignored, since commands would
	 * inherit that it is ignored; a mask is reset. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	main_ignore_nothing();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_FROM);
	if (getrlimit(RLIMIT_NOFILE, &process->files) == 0) {
		struct rlimit most = { .rlim_cur = process->files.rlim_max,
				       .rlim_max = process->files.rlim_max };

		(void)setrlimit(RLIMIT_NOFILE, &most);
	}
}

static void main_on_signal(void *arg)
{
	struct process *process = arg;

	server_stop(process->server);
	supervisor_stop(process->runtime.supervisor);
}

static int main_serve(struct process *process, struct error *reterr)
{
	struct runtime *runtime = &process->runtime;
	const struct options *options = &process->options;
	const struct server_config server = {
		.host = options->host,
		.port = options->port,
		.token = options->token_file != NULL ? process->token : NULL,
		.arg = runtime,
		.tables = { health_routes, routes_execute, routes_files, routes_openapi },
	};
	const struct supervisor_config supervisor = {
		.base_dir = options->base_dir,
		.user = options->exec_user != NULL ? &process->user : NULL,
		.environment = process->environment,
		.files = process->files,
		.on_signal = main_on_signal,
		.arg = process,
	};
	int code = server_create(runtime->sched, &server, &process->server, reterr);

	explicit_bzero(process->token, sizeof(process->token));
	if (code == 0) {
		code = supervisor_create(runtime->sched, &supervisor, &runtime->supervisor, reterr);
	}
	if (code == 0) {
		printf(strchr(options->host, ':') == NULL ? "Listening on %s:%u\n"
							  : "Listening on [%s]:%u\n",
		       options->host, server_port(process->server));
		(void)fflush(stdout);
		code = server_run(process->server, reterr);
	}
	/* In this order: commands report to the server until they have ended. */
	supervisor_destroy(runtime->supervisor);
	if (!server_destroy(process->server)) {
		_exit(code < 0 ? 1 : 0); /* one of its threads still waits for a file system */
	}
	return code;
}

static int main_run(struct process *process, struct error *reterr)
{
	const struct options *options = &process->options;
	struct runtime *runtime = &process->runtime;
	int code = 0;

	if (options->token_file != NULL) {
		code = main_read_token(options->token_file, process->token, reterr);
	}
	if (code == 0 && options->exec_user != NULL) {
		code = user_find(options->exec_user, "", &process->user, reterr);
	}
	if (code == 0) {
		code = base_open(options->base_dir, &runtime->base, reterr);
	}
	if (code < 0) {
		return code;
	}
	runtime->exec_timeout_s = options->exec_timeout_s;
	runtime->output_max = options->output_max;
	atomic_init(&runtime->budget.left, OUTPUT_ALL);
	process->environment = command_environment(
		environ, options->exec_user != NULL ? process->user.home : NULL);
	runtime->sched = sched_create();
	code = main_serve(process, reterr);
	sched_destroy(runtime->sched);
	base_close(&runtime->base);
	if (options->exec_user != NULL && process->user.home[0] != '\0') {
		free(process->environment[0]);
	}
	free(process->environment);
	return code;
}

int main(int argc, char **argv)
{
	struct process process = { 0 };
	struct error error = { 0 };

	if (options_parse(argc, argv, &process.options, stderr, &error) < 0) {
		fprintf(stderr, "agent-sandbox-runtime: %s\n", error.text);
		return 2;
	}
	if (process.options.help) {
		options_help(stdout);
		return fflush(stdout) != 0 ? 1 : 0;
	}
	if (process.options.version) {
		printf("agent-sandbox-runtime %s\n", PACKAGE_VERSION);
		return fflush(stdout) != 0 ? 1 : 0;
	}
	main_prepare(&process);
	if (main_run(&process, &error) < 0) {
		fprintf(stderr, "agent-sandbox-runtime: %s\n", error.text);
		return 1;
	}
	return 0;
}
