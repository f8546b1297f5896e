/* SPDX-License-Identifier: Apache-2.0 */
/* The `podman system service` children: one thread starts, watches and ends them. podman.c starts
 * that thread, call.c asks for transports. */
#include "config.h"

#include "node/podman/podman-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/memory.h"
#include "base/socket.h"
#include "net/curl-transport.h"

#define CONNECTIONS 64u     /* most requests at one time to one service */
#define READY_US 15000000u  /* for a service to listen */
#define LOOK_US 5000u       /* between checks whether it does */
#define PAUSE_MIN_US 50000u /* before a service that died starts again, doubling */
#define PAUSE_MAX_US 10000000u
#define STEADY_US 10000000u /* after running so long, an end does not count as a repeated failure */
#define END_US 5000000u     /* SIGTERM, then SIGKILL */

extern char **environ;

static const char *const service_handlers[PODMAN_HANDLERS] = { "runc", "crun", "runsc" };

int podman_handler_index(const char *handler)
{
	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		if (strcmp(service_handlers[i], handler) == 0) {
			return i;
		}
	}
	return -1;
}

/* ---- sockets ---- */

/* The service listens itself. Handed a socket as LISTEN_FDS, Podman 4.3 gives it to containers and
 * closes what has its number. */
static bool service_is_listening(const char *path)
{
	int fd = socket_connect_unix(path, 0, 0);

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

/* Removes the sockets of nodes that were killed: only they used these services. */
static void service_remove_old_sockets(const struct podman *podman)
{
	DIR *directory = opendir(podman->state_dir);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length > 5 && strcmp(entry->d_name + length - 5, ".sock") == 0) {
			(void)unlinkat(dirfd(directory), entry->d_name, 0);
		}
	}
	if (directory != NULL) {
		closedir(directory);
	}
}

int podman_services_create(struct podman *podman, struct error *reterr)
{
	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		podman->services[i].pidfd = -1;
	}
	podman->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (podman->wake_fd < 0) {
		return error_set(reterr, -errno, "no eventfd: %s", strerror(errno));
	}
	service_remove_old_sockets(podman);
	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		struct podman_service *service = &podman->services[i];

		service->handler = service_handlers[i];
		/* A name of its own: the service of a node that was killed removes its socket's
		 * name when it ends, which may be after ours has begun to listen. */
		service->socket = xprintf("%s/%s-%08x.sock", podman->state_dir, service_handlers[i],
					  (unsigned)(sched_random(podman->sched) & 0xffffffffu));
		if (strlen(service->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
			return error_set(reterr, -EINVAL, "'%s' is too long for a socket",
					 service->socket);
		}
	}
	return 0;
}

void podman_services_finish(struct podman *podman)
{
	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		struct podman_service *service = &podman->services[i];

		curl_transport_destroy(service->transport);
		if (service->socket != NULL) {
			(void)unlink(service->socket);
		}
		free(service->socket);
	}
	if (podman->wake_fd >= 0) {
		close(podman->wake_fd);
	}
}

static void service_wake_supervisor(struct podman *podman)
{
	(void)eventfd_write(podman->wake_fd, 1);
}

struct transport *podman_transport(struct podman *podman, int handler)
{
	struct podman_service *service = &podman->services[handler];

	LOCKED(&podman->lock);
	if (service->transport == NULL) {
		struct curl_transport_config config = {
			.server = "http://podman",
			.user_agent = "agent-sandbox",
			.unix_socket = service->socket,
			.connections = CONNECTIONS,
		};

		service->transport = curl_transport_create(podman->sched, &config, NULL);
	}
	if (!service->wanted) {
		service->wanted = true;
		service_wake_supervisor(podman);
	}

	uint64_t deadline = sched_now_us(podman->sched) + READY_US;

	/* Where the service does not start, the caller's request reports it. */
	while (!service->ready && !podman->stopping &&
	       sched_cond_wait(&podman->wake, &podman->lock, deadline) == 0) {
	}
	return service->transport;
}

void podman_retire(struct podman *podman, int handler)
{
	LOCKED(&podman->lock);
	podman->services[handler].wanted = false;
	podman->services[handler].ready = false;
	service_wake_supervisor(podman);
}

/* ---- a child ---- */

static bool service_inherited(const char *variable)
{
	static const char *const others[] = { "CONTAINERS_CONF=", "CONTAINER_HOST=", "LISTEN_",
					      "NOTIFY_SOCKET=" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (strncmp(variable, others[i], strlen(others[i])) == 0) {
			return false;
		}
	}
	return true;
}

/* The child's environment; the first is ours, the others are borrowed. */
static char **service_make_environment(const struct podman *podman)
{
	size_t count = 0, used = 0;

	while (environ[count] != NULL) {
		count++;
	}

	char **variables = xnew_array(char *, count + 2);

	variables[used++] = xprintf("CONTAINERS_CONF=%s/containers.conf", podman->state_dir);
	for (size_t i = 0; i < count; i++) {
		if (service_inherited(environ[i])) {
			variables[used++] = environ[i];
		}
	}
	return variables;
}

static void service_free_environment(char **variables)
{
	free(variables[0]);
	free(variables);
}

/* Runs after fork, so only async-signal-safe calls are allowed. Does not return. */
static void service_run_child(const char *directory, const char *binary, char *const *argv,
			      char **variables, pid_t parent, int null, int log)
{
	/* Tied to the supervisor's thread, which lives as long as the runtime: kill -9 of the node
	 * leaves no service behind. Containers have parents of their own. */
	child_begin(parent);
	/* conmon leaves a file "oom" where it was started. */
	if (chdir(directory) < 0) {
		_exit(127);
	}
	/* Above 2, so that no dup2 closes another's source. */
	null = fcntl(null, F_DUPFD, 10);
	log = fcntl(log, F_DUPFD, 10);
	if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) {
		_exit(127);
	}
	(void)syscall(SYS_close_range, 3u, ~0u, 0u);
	execve(binary, argv, variables);
	_exit(127);
}

static void service_start(struct podman *podman, struct podman_service *service)
{
	CLEANUP_FREE char *address = xprintf("unix://%s", service->socket);
	CLEANUP_FREE char *log_path = xprintf("%s/%s.log", podman->state_dir, service->handler);
	char *argv[] = { podman->binary,
			 (char[]){ "--runtime" },
			 (char *)(uintptr_t)service->handler,
			 (char[]){ "system" },
			 (char[]){ "service" },
			 (char[]){ "--time=0" },
			 address,
			 NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char **variables = service_make_environment(podman);
	pid_t parent = getpid(), pid = null >= 0 && log >= 0 ? fork() : -1;

	if (pid == 0) {
		service_run_child(podman->state_dir, podman->binary, argv, variables, parent, null,
				  log);
	}
	service->started_us = sched_now_us(podman->sched);
	if (pid > 0) {
		service->pid = pid;
		service->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	} else {
		service->again_us = service->started_us + PAUSE_MAX_US;
	}
	service_free_environment(variables);
	if (null >= 0) {
		close(null);
	}
	if (log >= 0) {
		close(log);
	}
}

static void service_set_ready(struct podman *podman, struct podman_service *service, bool ready)
{
	LOCKED(&podman->lock);
	service->ready = ready;
	sched_cond_broadcast(&podman->wake);
}

static bool service_is_starting(struct podman *podman, const struct podman_service *service)
{
	LOCKED(&podman->lock);
	return service->pid != 0 && service->wanted && !service->ready;
}

/* Notes the end of a service, which starts again after a pause that grows. */
static void service_look_after(struct podman *podman, struct podman_service *service)
{
	int status;
	uint64_t now = sched_now_us(podman->sched);

	if (service->pid == 0 || waitpid(service->pid, &status, WNOHANG) == 0) {
		return;
	}
	if (now - service->started_us > STEADY_US) {
		service->failures = 0;
	}

	uint64_t pause = (uint64_t)PAUSE_MIN_US << (service->failures < 8 ? service->failures : 8);

	service->failures++;
	service->again_us = now + (pause < PAUSE_MAX_US ? pause : PAUSE_MAX_US);
	service->pid = 0;
	service_set_ready(podman, service, false);
	if (service->pidfd >= 0) {
		close(service->pidfd);
		service->pidfd = -1;
	}
}

/* ---- the supervisor ---- */

static bool service_wanted(struct podman *podman, const struct podman_service *service)
{
	LOCKED(&podman->lock);
	return service->wanted && !podman->stopping;
}

static bool service_stopping(struct podman *podman)
{
	LOCKED(&podman->lock);
	return podman->stopping;
}

/* Waits until a child ends, the eventfd is written, or a start is due. */
static void service_wait(struct podman *podman)
{
	struct pollfd fds[1 + PODMAN_HANDLERS] = { { .fd = podman->wake_fd, .events = POLLIN } };
	uint64_t now = sched_now_us(podman->sched), due = now + 60000000u;
	eventfd_t count;

	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		const struct podman_service *service = &podman->services[i];

		fds[1 + i] = (struct pollfd){ .fd = service->pidfd, .events = POLLIN };
		if (service->pid == 0 && service_wanted(podman, service) &&
		    service->again_us < due) {
			due = service->again_us;
		}
		if (service_is_starting(podman, service)) {
			due = now + LOOK_US;
		}
	}
	(void)poll(fds, ARRAY_LEN(fds), due <= now ? 0 : (int)((due - now) / 1000 + 1));
	(void)eventfd_read(podman->wake_fd, &count);
}

static void service_end_all(struct podman *podman)
{
	uint64_t deadline = sched_now_us(podman->sched) + END_US;

	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		if (podman->services[i].pid != 0) {
			(void)kill(podman->services[i].pid, SIGTERM);
		}
	}
	for (int i = 0; i < PODMAN_HANDLERS; i++) {
		struct podman_service *service = &podman->services[i];
		struct pollfd ended = { .fd = service->pidfd, .events = POLLIN };

		if (service->pid == 0) {
			continue;
		}
		if (poll(&ended, 1, podman_left_ms(podman, deadline)) <= 0) {
			(void)kill(service->pid, SIGKILL);
		}
		while (waitpid(service->pid, NULL, 0) < 0 && errno == EINTR) {
		}
		service->pid = 0;
		if (service->pidfd >= 0) {
			close(service->pidfd);
		}
	}
}

void podman_supervise(void *arg)
{
	struct podman *podman = arg;

	while (!service_stopping(podman)) {
		for (int i = 0; i < PODMAN_HANDLERS; i++) {
			struct podman_service *service = &podman->services[i];

			service_look_after(podman, service);
			if (service->pid == 0 && service_wanted(podman, service) &&
			    service->again_us <= sched_now_us(podman->sched)) {
				service_start(podman, service);
			}
			if (service->pid != 0 && !service_wanted(podman, service)) {
				(void)kill(service->pid, SIGTERM);
			} else if (service_is_starting(podman, service) &&
				   service_is_listening(service->socket)) {
				service_set_ready(podman, service, true);
			}
		}
		service_wait(podman);
	}
	service_end_all(podman);
}
