/* SPDX-License-Identifier: Apache-2.0 */
/* Termination messages: a file for each attempt of a container, or the end of its log. Called when
 * a container is started, and when it has ended.
 * https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/ */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "node/pod/pod-private.h"

#define MESSAGE_FILE_MAX 4096u /* as a kubelet */
/* Of all containers of a pod, each with two attempts. */
#define MESSAGES_OPTIONS "mode=0700,size=1m"
#define MESSAGE_LOG_MAX 2048u
#define MESSAGE_LOG_LINES 80

static char *message_directory_of(const char *root, const char *uid)
{
	return xprintf("%s/messages/%s", root, uid);
}

/* Makes the directory of a pod's messages. bounded: on a small tmpfs, so that containers cannot
 * fill a disk of the machine; on the disk where none may be mounted. A directory that an earlier
 * release made stays as it is, because running containers write there. */
static int message_directory(const char *root, const char *uid, bool bounded)
{
	CLEANUP_FREE char *all = xprintf("%s/messages", root),
			  *directory = message_directory_of(root, uid);

	if (mkdir(all, 0700) != 0 && errno != EEXIST) {
		return -errno;
	}
	/* An empty directory without a mount was left by a restart of the machine. */
	(void)rmdir(directory);
	if (mkdir(directory, 0700) == 0) {
		if (bounded) {
			(void)mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
				    MESSAGES_OPTIONS);
		}
	} else if (errno != EEXIST) {
		return -errno;
	}
	return 0;
}

char *message_make(const char *root, const char *uid, const char *name, uint32_t attempt,
		   bool bounded)
{
	CLEANUP_FREE char *directory = message_directory_of(root, uid);
	char *path = xprintf("%s/%s-%u", directory, name, attempt);
	int fd;

	if (message_directory(root, uid, bounded) < 0) {
		free(path);
		return NULL;
	}
	/* The status has the messages of the last two attempts only. */
	if (attempt >= 2) {
		CLEANUP_FREE char *old = xprintf("%s/%s-%u", directory, name, attempt - 2);

		(void)unlink(old);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* The user of the container may write it, whoever that is. */
	if (fd < 0 || fchmod(fd, 0666) != 0) {
		free(path);
		path = NULL;
	}
	if (fd >= 0) {
		close(fd);
	}
	return path;
}

/* The container may have put anything there, so only a regular file is read. */
static void message_read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char chunk[MESSAGE_FILE_MAX];
	struct stat info;
	ssize_t got;

	if (fd < 0) {
		return;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
		got = read(fd, chunk, sizeof(chunk));
		if (got > 0) {
			buf_append(out, chunk, (size_t)got);
		}
		/* The container has ended: the rest is not read, and other containers may need the
		 * space. */
		if (info.st_size > MESSAGE_FILE_MAX) {
			(void)!ftruncate(fd, MESSAGE_FILE_MAX);
		}
	}
	close(fd);
}

static int message_take_log(void *arg, const char *data, size_t length)
{
	struct buf *out = arg;

	buf_append(out, data, length);
	if (out->length > MESSAGE_LOG_MAX) {
		buf_consume(out, out->length - MESSAGE_LOG_MAX);
	}
	return out->failed ? -ENOSPC : 0;
}

/* Invalid UTF-8 becomes '?', and control bytes are dropped: the API server would change them, so
 * that the status would differ at each reconcile. */
static char *message_clean(const struct buf *raw)
{
	char *text = xalloc(raw->length + 1);
	size_t length = 0, at = 0;

	while (at < raw->length) {
		unsigned char byte = (unsigned char)raw->data[at];
		size_t one = utf8_length(raw->data + at);

		if (one > 1 || byte >= 0x20 || byte == '\n' || byte == '\t') {
			if (one > 0) {
				memcpy(text + length, raw->data + at, one);
			} else {
				text[length] = '?';
			}
			length += one > 0 ? one : 1;
		}
		at += one > 0 ? one : 1;
	}
	text[length] = '\0';
	return text;
}

char *message_read(struct node *node, struct json_object *spec, const struct runtime_status *status)
{
	CLEANUP_FREE char *directory =
		message_directory_of(node->options->state_dir, status->pod_uid);
	CLEANUP_FREE char *path = xprintf("%s/%s-%u", directory, status->name, status->attempt);
	CLEANUP_BUF struct buf raw = BUF_INIT(1u << 20);
	struct runtime_log_options options = {
		.tail_lines = MESSAGE_LOG_LINES,
	};
	bool fallback =
		asb_streq(asb_str(spec, "terminationMessagePolicy"), "FallbackToLogsOnError");

	message_read_file(path, &raw);
	if (raw.length == 0 && fallback && status->exit_code != 0) {
		node->runtime->ops->logs(node->runtime, status->id, &options, message_take_log,
					 &raw, NULL);
	}
	return message_clean(&raw);
}

void message_remove(const char *root, const char *uid)
{
	CLEANUP_FREE char *directory = message_directory_of(root, uid);
	DIR *open_directory = opendir(directory);
	const struct dirent *entry;

	if (open_directory == NULL) {
		return;
	}
	while ((entry = readdir(open_directory)) != NULL) {
		unlinkat(dirfd(open_directory), entry->d_name, 0);
	}
	closedir(open_directory);
	(void)umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW);
	rmdir(directory);
}
