/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of bearer tokens for HAProxy. Created by router/main.c with --token-file. */
#include "config.h"

#include "router/tokens.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "core/observe/log.h"
#include "router/commands.h"
#include "router/haproxy-config.h"

#define FILE_BYTES (1u << 20)
/* How often the file is read. A kubelet replaces a link, which a watch of the file would not
 * notice. */
#define CHECK_US 2000000u

struct tokens {
	struct sched *sched;
	struct table *table;
	char *file, *hashes, *socket;
	struct buf last; /* the hashes that HAProxy has */
	bool failed;     /* the last check failed, which was logged */
	struct sched_thread *thread;
	struct sched_mutex lock;
	struct sched_cond ending;
	bool stopping; /* lock */
};

/* Appends one hash for each line. An error names the line, but never its content. */
static int tokens_hash(const char *path, const char *text, struct buf *out, struct error *reterr)
{
	unsigned int line = 0, count = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, "\r\n");
		char hex[SHA256_HEX];

		line++;
		if (length > 0 && length < TOKEN_MIN) {
			return error_set(reterr, -EINVAL,
					 "%s: line %u has a token of fewer than %d characters",
					 path, line, TOKEN_MIN);
		}
		if (length > 0 && ++count <= TOKENS_MAX) {
			sha256_hex(text, length, hex);
			buf_printf(out, "%s\n", hex);
		}
		text += length + (text[length] == '\r' ? 1 : 0);
		text += *text == '\n' ? 1 : 0;
	}
	if (count == 0 || count > TOKENS_MAX) {
		return error_set(reterr, -EINVAL, "%s has %u tokens, but must have 1 to %d", path,
				 count, TOKENS_MAX);
	}
	return 0;
}

static int tokens_read(struct tokens *tokens, struct buf *out, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILE_BYTES);
	int code = file_read(tokens->file, &text);

	if (code == 0) {
		code = tokens_hash(tokens->file, buf_str(&text), out, reterr);
	} else if (code == -EFBIG) {
		error_set(reterr, code, "%s has more than %u bytes", tokens->file, FILE_BYTES);
	} else {
		error_set(reterr, code, "cannot read the tokens in %s: %s", tokens->file,
			  strerror(-code));
	}
	if (text.data != NULL) {
		explicit_bzero(text.data, text.length);
	}
	return code;
}

/* Writes the file that HAProxy reads when it starts. */
static int tokens_write(const struct tokens *tokens, const struct buf *hashes, struct error *reterr)
{
	int code = file_replace(tokens->hashes, buf_str(hashes), hashes->length, 0600, false);

	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write %s: %s", tokens->hashes,
				     strerror(-code));
}

/* Replaces the hashes in the running HAProxy all at once, so that there is no moment without
 * tokens. */
static int tokens_send(const struct tokens *tokens, const struct buf *hashes, struct error *reterr)
{
	char version[24];
	int code = command_prepare(tokens->socket, "acl", tokens->hashes, version, reterr);

	for (const char *at = buf_str(hashes); code == 0 && *at != '\0'; at += SHA256_HEX) {
		CLEANUP_FREE char *text =
			xprintf("add acl @%s %s %.64s\n", version, tokens->hashes, at);

		code = command_do(tokens->socket, text, strlen(text), reterr);
	}
	return code < 0 ? code
			: command_commit(tokens->socket, "acl", tokens->hashes, version, reterr);
}

static int tokens_renew(struct tokens *tokens, struct error *reterr)
{
	CLEANUP_BUF struct buf hashes = BUF_INIT(FILE_BYTES);
	int code = tokens_read(tokens, &hashes, reterr);

	if (code < 0 || strcmp(buf_str(&hashes), buf_str(&tokens->last)) == 0) {
		return code;
	}
	code = tokens_write(tokens, &hashes, reterr);
	if (code == 0) {
		code = tokens_send(tokens, &hashes, reterr);
	}
	if (code == 0) {
		buf_clear(&tokens->last);
		buf_append(&tokens->last, buf_str(&hashes), hashes.length);
		log_info("the tokens have changed");
	}
	return code;
}

static void tokens_check(struct tokens *tokens)
{
	struct error error = { 0 };
	int code = tokens_renew(tokens, &error);
	bool failed = code < 0;

	if (code == -ETIMEDOUT) {
		table_lose(tokens->table);
	}
	if (failed && !tokens->failed) {
		log_error("the tokens stay as they were: %s", error.text);
	}
	tokens->failed = failed;
}

static void tokens_run(void *arg)
{
	struct tokens *tokens = arg;
	uint64_t until = sched_now_us(tokens->sched) + CHECK_US;

	sched_mutex_lock(&tokens->lock);
	while (!tokens->stopping) {
		if (sched_now_us(tokens->sched) < until) {
			sched_cond_wait(&tokens->ending, &tokens->lock, until);
			continue;
		}
		sched_mutex_unlock(&tokens->lock);
		tokens_check(tokens);
		until = sched_now_us(tokens->sched) + CHECK_US;
		sched_mutex_lock(&tokens->lock);
	}
	sched_mutex_unlock(&tokens->lock);
}

struct tokens *tokens_create(struct sched *sched, struct table *table, const char *file,
			     const char *run_dir, struct error *reterr)
{
	struct tokens *tokens = xnew(struct tokens);

	tokens->sched = sched;
	tokens->table = table;
	tokens->file = xstrdup(file);
	tokens->hashes = xprintf("%s/" TOKENS_FILE, run_dir);
	tokens->socket = xprintf("%s/" COMMAND_SOCKET, run_dir);
	tokens->last = (struct buf)BUF_INIT(FILE_BYTES);
	sched_mutex_init(&tokens->lock, sched);
	sched_cond_init(&tokens->ending, sched);
	if (tokens_read(tokens, &tokens->last, reterr) < 0 ||
	    tokens_write(tokens, &tokens->last, reterr) < 0) {
		tokens_destroy(tokens);
		return NULL;
	}
	tokens->thread = sched_start(sched, "tokens", tokens_run, tokens);
	return tokens;
}

void tokens_destroy(struct tokens *tokens)
{
	if (tokens == NULL) {
		return;
	}
	sched_mutex_lock(&tokens->lock);
	tokens->stopping = true;
	sched_cond_broadcast(&tokens->ending);
	sched_mutex_unlock(&tokens->lock);
	if (tokens->thread != NULL) {
		sched_join(tokens->thread);
	}
	sched_cond_finish(&tokens->ending);
	sched_mutex_finish(&tokens->lock);
	buf_finish(&tokens->last);
	free(tokens->file);
	free(tokens->hashes);
	free(tokens->socket);
	free(tokens);
}
