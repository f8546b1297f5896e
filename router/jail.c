/* SPDX-License-Identifier: Apache-2.0 */
/* Finds an account for HAProxy and creates its empty root directory. Called by router/main.c. */
#include "config.h"

#include "router/jail.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/memory.h"
#include "core/observe/log.h"

/* The Debian package creates the first; every system has the second. */
static const char *const accounts[] = { "haproxy", "nobody" };

static bool jail_find_account(struct jail *jail)
{
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		const struct passwd *account = getpwnam(accounts[i]);

		if (account != NULL && account->pw_uid != 0 && account->pw_gid != 0) {
			jail->uid = account->pw_uid;
			jail->gid = account->pw_gid;
			return true;
		}
	}
	return false;
}

static int jail_make_directory(const char *path, struct error *reterr)
{
	struct stat status;

	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		return error_set(reterr, -errno,
				 "cannot create the directory %s: %s; see --run-dir", path,
				 strerror(errno));
	}
	if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode) || status.st_uid != 0) {
		return error_set(reterr, -EPERM,
				 "%s is not a directory that belongs to root; see --run-dir", path);
	}
	/* The umask has removed the permissions that the account needs. */
	if (chmod(path, 0755) < 0) {
		return error_set(reterr, -errno, "cannot set the mode of %s: %s", path,
				 strerror(errno));
	}
	return 0;
}

/* Whether this process may do what HAProxy will do. A child process tries it and ends. */
static bool jail_works(const char *path, const struct jail *jail)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		bool good = chroot(path) == 0 && chdir("/") == 0 && setgroups(0, NULL) == 0 &&
			    setgid(jail->gid) == 0 && setuid(jail->uid) == 0;

		_exit(good ? 0 : 1);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int jail_open(const char *run_dir, struct jail *ret, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/" JAIL_DIR, run_dir);
	struct jail jail = { 0 };

	*ret = jail;
	if (geteuid() != 0) {
		return 0;
	}

	int code = jail_make_directory(path, reterr);

	if (code < 0) {
		return code;
	}
	jail.on = jail_find_account(&jail) && jail_works(path, &jail);
	if (jail.on) {
		*ret = jail;
	} else {
		log_warning(
			"HAProxy runs as root: there is no account haproxy or nobody, or this process may not change its user and its root directory; run the router as another user");
	}
	return 0;
}
