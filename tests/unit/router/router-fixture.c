/* SPDX-License-Identifier: Apache-2.0 */
/* A command socket that keeps a map, for tests of what talks to HAProxy. Used by test-router-*.c. */
#include "config.h"

#include "tests/unit/router/router-fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define TEXT_MAX (4u << 20)
#define WORDS 6

/* Takes out every line of this key. */
static bool take_out(struct buf *lines, const char *key)
{
	CLEANUP_FREE char *copy = xstrdup(buf_str(lines));
	size_t length = strlen(key);
	bool found = false;
	char *rest = copy, *line;

	buf_clear(lines);
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (strncmp(line, key, length) == 0 && (line[length] == ' ' || line[length] == 0)) {
			found = true;
		} else {
			buf_printf(lines, "%s\n", line);
		}
	}
	return found;
}

static void run_words(struct fake_haproxy *fake, char **words, size_t count, const char *payload,
		      struct buf *response)
{
	bool versioned = count > 2 && words[2][0] == '@';
	size_t at = versioned ? 4 : 3;
	struct buf *to = versioned ? &fake->prepared : &fake->live;

	if (strcmp(words[0], "prepare") == 0) {
		buf_clear(&fake->prepared);
		buf_append_str(response, "New version created: 7\n");
	} else if (strcmp(words[0], "commit") == 0) {
		buf_clear(&fake->live);
		buf_append(&fake->live, buf_str(&fake->prepared), fake->prepared.length);
	} else if (strcmp(words[0], "del") == 0) {
		if (!take_out(&fake->live, words[3])) {
			buf_append_str(response, "Key not found.\n");
		}
	} else if (strcmp(words[0], "add") == 0 && payload != NULL) {
		buf_append_str(to, payload);
	} else if (strcmp(words[0], "add") == 0) {
		buf_printf(to, "%s%s%s\n", words[at], at + 1 < count ? " " : "",
			   at + 1 < count ? words[at + 1] : "");
	} else {
		buf_append_str(response, "Unknown command.\n");
	}
}

static void run_command(struct fake_haproxy *fake, char *text, struct buf *response)
{
	char *payload = strstr(text, " <<\n"), *command;

	if (payload != NULL) {
		*payload = '\0';
		payload += 4;
		payload[strlen(payload) - 1] = '\0'; /* the empty line that ends it */
	}
	while ((command = strsep(&text, ";\n")) != NULL) {
		char *words[WORDS] = { NULL };
		size_t count = 0;

		while (count < WORDS && (words[count] = strsep(&command, " ")) != NULL) {
			count++;
		}
		if (count > 2) {
			run_words(fake, words, count, payload, response);
		}
	}
	buf_append_char(response, '\n');
}

static bool is_whole(const struct buf *text)
{
	const char *end = strstr(buf_str(text), " <<\n") != NULL ? "\n\n" : "\n";
	size_t length = strlen(end);

	return text->length >= length && strcmp(buf_str(text) + text->length - length, end) == 0;
}

static void serve(struct fake_haproxy *fake, int fd)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX), response = BUF_INIT(TEXT_MAX);
	char data[4096];
	ssize_t got;

	while (!is_whole(&text) && (got = recv(fd, data, sizeof(data), 0)) > 0) {
		buf_append(&text, data, (size_t)got);
	}
	LOCKED(&fake->lock);
	fake->commands++;
	if (fake->fails > 0 && fake->passes == 0) {
		fake->fails--;
		buf_append_str(&response, "Permission denied\n\n");
	} else if (!fake->deaf) {
		CLEANUP_FREE char *copy = xstrdup(buf_str(&text));

		fake->passes -= fake->passes > 0 ? 1 : 0;
		run_command(fake, copy, &response);
	}
	send(fd, buf_str(&response), response.length, MSG_NOSIGNAL);
}

static void run(void *arg)
{
	struct fake_haproxy *fake = arg;
	int fd;

	while ((fd = accept(fake->listener, NULL, NULL)) >= 0) {
		serve(fake, fd);
		close(fd);
	}
}

void fake_haproxy_start(struct fake_haproxy *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fake = (struct fake_haproxy){ .sched = sched_create(),
				       .dir = "/tmp/router-XXXXXX",
				       .live = BUF_INIT(TEXT_MAX),
				       .prepared = BUF_INIT(TEXT_MAX) };
	assert_non_null(mkdtemp(fake->dir));
	snprintf(fake->socket, sizeof(fake->socket), "%s/haproxy.sock", fake->dir);
	snprintf(fake->map, sizeof(fake->map), "%s/sandboxes.map", fake->dir);
	sched_mutex_init(&fake->lock, fake->sched);
	memcpy(address.sun_path, fake->socket, strlen(fake->socket));
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(fake->listener, (struct sockaddr *)&address, sizeof(address)));
	assert_int_equal(0, listen(fake->listener, 16));
	fake->thread = sched_start(fake->sched, "haproxy", run, fake);
}

void fake_haproxy_stop(struct fake_haproxy *fake)
{
	DIR *dir = opendir(fake->dir);
	struct dirent *entry;

	shutdown(fake->listener, SHUT_RDWR);
	sched_join(fake->thread);
	close(fake->listener);
	while ((entry = readdir(dir)) != NULL) {
		unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	rmdir(fake->dir);
	buf_finish(&fake->live);
	buf_finish(&fake->prepared);
	sched_mutex_finish(&fake->lock);
	sched_destroy(fake->sched);
}

char *fake_haproxy_live(struct fake_haproxy *fake)
{
	LOCKED(&fake->lock);

	return xstrdup(buf_str(&fake->live));
}

void fake_haproxy_fail(struct fake_haproxy *fake, unsigned int passes, unsigned int times)
{
	LOCKED(&fake->lock);

	fake->passes = passes;
	fake->fails = times;
}

char *fake_haproxy_file(const struct fake_haproxy *fake, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", fake->dir, name);
	char *text = xalloc(65536);
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, 65535, file)] = '\0';
	fclose(file);
	return text;
}
