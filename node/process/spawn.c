/* SPDX-License-Identifier: Apache-2.0 */
/* Starting processes, finding their programs, and ending all that carry a container's mark. Called
 * by the other parts of the runtime of plain processes. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/process/process-private.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENVIRON_MAX (4u << 20)
#define ROUNDS 200 /* of killing, against what forks all the time */

/* In the child of a process with threads: nothing but system calls. */
static void spawn_become(const struct process_spawn *spawn)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setsid();
	if (dup2(spawn->in, 0) < 0 || dup2(spawn->out, 1) < 0 || dup2(spawn->err, 2) < 0 ||
	    (spawn->tty && ioctl(0, TIOCSCTTY, 0) < 0) || chdir(spawn->cwd) < 0) {
		_exit(126);
	}
	(void)execve(spawn->path, (char *const *)(uintptr_t)spawn->argv,
		     (char *const *)(uintptr_t)spawn->env);
	_exit(errno == ENOENT ? 127 : 126);
}

pid_t process_spawn(const struct process_spawn *spawn)
{
	pid_t pid = fork();

	if (pid == 0) {
		spawn_become(spawn);
	}
	return pid >= 0 ? pid : -errno;
}

static bool spawn_is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

char *process_find(const char *command, const char *const *env)
{
	const char *path = PATH_DEFAULT;

	if (strchr(command, '/') != NULL) {
		return spawn_is_program(command) ? xstrdup(command) : NULL;
	}
	for (size_t i = 0; env[i] != NULL; i++) {
		path = strncmp(env[i], "PATH=", 5) == 0 ? env[i] + 5 : path;
	}
	while (*path != '\0') {
		size_t length = strcspn(path, ":");
		char *file = xprintf("%.*s/%s", (int)length, path, command);

		if (*file == '/' && spawn_is_program(file)) {
			return file;
		}
		free(file);
		path += length;
		path += *path == ':' ? 1 : 0;
	}
	return NULL;
}

/* Whether the process began with that variable. */
static bool spawn_is_marked(const char *pid, const char *mark)
{
	CLEANUP_FREE char *path = xprintf("/proc/%s/environ", pid);
	CLEANUP_BUF struct buf text = BUF_INIT(ENVIRON_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[8192];
	ssize_t got;

	if (fd < 0) {
		return false;
	}
	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		buf_append(&text, piece, (size_t)got);
	}
	close(fd);
	for (size_t at = 0; at < text.length; at += strlen(text.data + at) + 1) {
		if (strcmp(text.data + at, mark) == 0) {
			return true;
		}
	}
	return false;
}

size_t process_signal_all(const char *mark, int signal)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int64_t pid = 0;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    integer_parse(entry->d_name, 2, INT32_MAX, &pid) < 0 || pid == getpid() ||
		    !spawn_is_marked(entry->d_name, mark) || process_start_time((pid_t)pid) == 0) {
			continue;
		}
		count += kill((pid_t)pid, signal) == 0 ? 1 : 0;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return count;
}

void process_kill_all(const char *mark)
{
	for (int round = 0; round < ROUNDS && process_signal_all(mark, SIGKILL) > 0; round++) {
	}
}

const char **process_strings(struct json_object *array)
{
	size_t count = array != NULL ? json_object_array_length(array) : 0;
	const char **strings = xnew_array(const char *, count + 1);

	for (size_t i = 0; i < count; i++) {
		strings[i] = json_object_get_string(json_object_array_get_idx(array, i));
	}
	return strings;
}
