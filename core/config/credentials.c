/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the token and the certificate current: it reads or makes them again when they are old or
 * when the server refuses them. The transport asks for them before each call; api-connect.c makes
 * them from the kubeconfig. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/base64.h"
#include "core/config/exec-credential.h"
#include "core/config/kubeconfig-private.h"
#include "core/config/kubeconfig.h"
#include "core/observe/log.h"

#define TOKEN_MAX (64u << 10)
#define PEM_MAX (1u << 20)
#define TOKEN_AGE_US \
	UINT64_C(60000000) /* projected tokens are rotated minutes before they expire */
#define CERTIFICATE_AGE_US UINT64_C(300000000) /* as client-go */
#define EXEC_PAUSE_US \
	UINT64_C(5000000) /* many requests must not start many plugins that do not help */

struct credentials {
	struct sched *sched;
	const struct kubeconfig *config;
	char *basic; /* Authorization made of user name and password; constant */
	bool uses_exec;
	int stop_fd; /* readable from stop on */

	struct sched_mutex lock;
	struct sched_cond changed;   /* the exec plugin has ended */
	char *token;                 /* lock */
	char *certificate, *key;     /* lock: PEM */
	uint64_t generation;         /* lock */
	uint64_t token_due_us;       /* lock: when to read again */
	uint64_t certificate_due_us; /* lock */
	bool running;                /* lock: an exec plugin */
	bool have_exec;              /* lock: it has said something that is not refused */
	int64_t expires_us;          /* lock: wall time of what it said */
	struct error exec_error;     /* lock: of its last run; code 0: it said something */
	uint64_t exec_not_before_us; /* lock: until then that run counts, expired or not */
	uint64_t deaf_until_us; /* lock: until then its credentials may be refused as one likes */
	bool stopping;          /* lock */
};

static void credentials_replace(char **secret, char *take_text)
{
	if (*secret != NULL) {
		explicit_bzero(*secret, strlen(*secret));
	}
	free(*secret);
	*secret = take_text;
}

/* ---- files (with the lock held: they are small and local) ---- */

static int credentials_read_token_file(const char *path, char **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TOKEN_MAX);
	int code = kubeconfig_read(path, &text, reterr);

	if (code < 0) {
		return code;
	}

	const char *start = buf_str(&text) + strspn(buf_str(&text), " \t\r\n");
	size_t length = strlen(start);

	while (length > 0 && strchr(" \t\r\n", start[length - 1]) != NULL) {
		length--;
	}
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)start[i] < ' ' || start[i] == 0x7f) {
			return error_set(reterr, -EINVAL,
					 "token file '%.256s' holds a control character", path);
		}
	}
	if (length == 0) {
		return error_set(reterr, -EINVAL, "token file '%.256s' is empty", path);
	}
	*ret = xstrndup(start, length);
	return 0;
}

/* When the file cannot be read now, the token read before, or the one in the kubeconfig, stays;
 * *ret_tolerated gets the error. */
static int credentials_refresh_token(struct credentials *credentials, uint64_t now,
				     struct error *ret_tolerated, struct error *reterr)
{
	struct error error = { 0 };
	char *token = NULL;

	if (credentials->config->token_file == NULL || now < credentials->token_due_us) {
		return 0;
	}

	if (credentials_read_token_file(credentials->config->token_file, &token, &error) == 0) {
		credentials_replace(&credentials->token, token);
	} else if (credentials->token == NULL) {
		return error_set(reterr, error.code, "%s", error.text);
	} else {
		*ret_tolerated = error;
	}
	credentials->token_due_us = now + TOKEN_AGE_US;
	return 0;
}

static int credentials_read_pem(const char *path, const char *given, char **ret,
				struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(PEM_MAX);
	int code = 0;

	if (path == NULL) {
		buf_append_str(&text, given);
	} else {
		code = kubeconfig_read(path, &text, reterr);
	}
	if (code == 0 && strstr(buf_str(&text), "-----BEGIN ") == NULL) {
		code = error_set(reterr, -EINVAL, "'%.256s' is not in PEM form",
				 path != NULL ? path : "the kubeconfig");
	}
	if (code == 0) {
		*ret = buf_take(&text);
	}
	return code;
}

static bool credentials_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Makes both the current pair. A pair that differs gets a new generation. */
static void credentials_set_certificate(struct credentials *credentials, char *take_certificate,
					char *take_key)
{
	if (!credentials_same_text(take_certificate, credentials->certificate) ||
	    !credentials_same_text(take_key, credentials->key)) {
		credentials->generation++;
	}
	credentials_replace(&credentials->certificate, take_certificate);
	credentials_replace(&credentials->key, take_key);
}

static int credentials_refresh_certificate(struct credentials *credentials, uint64_t now,
					   struct error *ret_tolerated, struct error *reterr)
{
	const struct kubeconfig *config = credentials->config;
	struct error error = { 0 };
	char *certificate CLEANUP_FREE = NULL, *key CLEANUP_FREE = NULL;

	if ((config->certificate_file == NULL && config->key_file == NULL) ||
	    now < credentials->certificate_due_us) {
		return 0;
	}

	int code = credentials_read_pem(config->certificate_file, config->certificate_pem,
					&certificate, &error);

	if (code == 0) {
		code = credentials_read_pem(config->key_file, config->key_pem, &key, &error);
	}
	if (code == 0) {
		credentials_set_certificate(credentials, TAKE(certificate), TAKE(key));
	} else if (credentials->certificate == NULL) {
		return error_set(reterr, error.code, "%s", error.text);
	} else {
		*ret_tolerated = error;
	}
	credentials->certificate_due_us = now + CERTIFICATE_AGE_US;
	return 0;
}

/* ---- the exec plugin ---- */

static bool credentials_exec_due(const struct credentials *credentials)
{
	return !credentials->have_exec ||
	       (credentials->expires_us != EXEC_NEVER &&
		sched_wall_us(credentials->sched) >= credentials->expires_us);
}

/* Runs the plugin without the lock; other threads wait for `changed` meanwhile. */
static void credentials_run_exec(struct credentials *credentials)
{
	struct exec_credential got = { 0 };
	struct error error = { 0 };
	int code;

	credentials->running = true;
	sched_mutex_unlock(&credentials->lock);
	code = exec_credential_run(credentials->sched, credentials->config, credentials->stop_fd,
				   sched_now_us(credentials->sched) + EXEC_DEADLINE_US, &got,
				   &error);
	sched_mutex_lock(&credentials->lock);
	credentials->running = false;
	credentials->exec_error = error;
	credentials->exec_not_before_us = sched_now_us(credentials->sched) + EXEC_PAUSE_US;
	if (code == 0) {
		credentials->exec_error.code = 0;
		credentials->have_exec = true;
		credentials->expires_us = got.expires_us;
		credentials_replace(&credentials->token, TAKE(got.token));
		credentials_replace(&credentials->certificate, TAKE(got.certificate));
		credentials_replace(&credentials->key, TAKE(got.key));
		/* Always: a refusal of what was before is no news any more. */
		credentials->generation++;
	}
	sched_cond_broadcast(&credentials->changed);
}

static int credentials_refresh_exec(struct credentials *credentials, struct error *reterr)
{
	if (!credentials->uses_exec) {
		return 0;
	}
	while (credentials_exec_due(credentials) &&
	       sched_now_us(credentials->sched) >= credentials->exec_not_before_us) {
		if (credentials->stopping) {
			return error_set(reterr, -ECANCELED, "stopped");
		}
		if (credentials->running) {
			sched_cond_wait(&credentials->changed, &credentials->lock, SCHED_FOREVER);
		} else {
			credentials_run_exec(credentials);
		}
	}
	/* What is due still, right after a run, is a failure or has expired on arrival. The latter
	 * is tried. */
	if (!credentials_exec_due(credentials) || credentials->exec_error.code == 0) {
		return 0;
	}
	if (reterr != NULL) {
		*reterr = credentials->exec_error;
	}
	return credentials->exec_error.code;
}

/* ---- the source ---- */

static char *credentials_copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static int credentials_get_locked(struct credentials *credentials, struct http_credentials *ret,
				  struct error *ret_tolerated, struct error *reterr)
{
	LOCKED(&credentials->lock);

	uint64_t now = sched_now_us(credentials->sched);
	int code = credentials_refresh_exec(credentials, reterr);

	if (code == 0) {
		code = credentials_refresh_token(credentials, now, ret_tolerated, reterr);
	}
	if (code == 0) {
		code = credentials_refresh_certificate(credentials, now, ret_tolerated, reterr);
	}
	if (code < 0) {
		return code;
	}
	*ret = (struct http_credentials){
		.authorization = credentials->token != NULL
					 ? xprintf("Bearer %s", credentials->token)
					 : credentials_copy(credentials->basic),
		.certificate = credentials_copy(credentials->certificate),
		.key = credentials_copy(credentials->key),
		.generation = credentials->generation,
	};
	return 0;
}

static int credentials_get(void *arg, struct http_credentials *ret, struct error *reterr)
{
	struct error tolerated = { 0 };
	int code = credentials_get_locked(arg, ret, &tolerated, reterr);

	if (tolerated.code < 0) {
		log_warning("cannot refresh the credentials: %s, going on with the old ones",
			    tolerated.text);
	}
	return code;
}

static void credentials_refused(void *arg, uint64_t generation)
{
	struct credentials *credentials = arg;

	LOCKED(&credentials->lock);
	uint64_t now = sched_now_us(credentials->sched);

	credentials->token_due_us = 0;
	credentials->certificate_due_us = 0;
	if (generation == credentials->generation && now >= credentials->deaf_until_us) {
		credentials->deaf_until_us = now + EXEC_PAUSE_US;
		credentials->have_exec = false;
		credentials->exec_not_before_us = 0;
	}
}

static void credentials_stop(void *arg)
{
	struct credentials *credentials = arg;
	uint64_t one = 1;

	LOCKED(&credentials->lock);
	credentials->stopping = true;
	/* Cannot fail: the counter is far from full. */
	(void)!write(credentials->stop_fd, &one, sizeof(one));
	sched_cond_broadcast(&credentials->changed);
}

struct http_credentials_source credentials_source(struct credentials *credentials)
{
	return (struct http_credentials_source){ .get = credentials_get,
						 .refused = credentials_refused,
						 .stop = credentials_stop,
						 .arg = credentials };
}

struct credentials *credentials_create(struct sched *sched, const struct kubeconfig *config)
{
	struct credentials *credentials = xnew(struct credentials);
	bool given = config->token != NULL || config->token_file != NULL ||
		     config->certificate_pem != NULL || config->certificate_file != NULL ||
		     config->username != NULL || config->password != NULL;

	credentials->sched = sched;
	credentials->config = config;
	/* As in other clients: what the user has in the file itself goes before a plugin. */
	credentials->uses_exec = config->exec.command != NULL && !given;
	credentials->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	credentials->generation = 1;
	credentials->token = credentials_copy(config->token);
	sched_mutex_init(&credentials->lock, sched);
	sched_cond_init(&credentials->changed, sched);
	if (config->username != NULL || config->password != NULL) {
		char *pair = xprintf("%s:%s", config->username != NULL ? config->username : "",
				     config->password != NULL ? config->password : "");
		char *encoded = base64_encode(pair, strlen(pair));

		credentials->basic = xprintf("Basic %s", encoded);
		credentials_replace(&pair, NULL);
		credentials_replace(&encoded, NULL);
	}
	if (config->certificate_pem != NULL && config->key_pem != NULL) {
		credentials->certificate = xstrdup(config->certificate_pem);
		credentials->key = xstrdup(config->key_pem);
	}
	return credentials;
}

void credentials_destroy(struct credentials *credentials)
{
	if (credentials == NULL) {
		return;
	}
	credentials_replace(&credentials->basic, NULL);
	credentials_replace(&credentials->token, NULL);
	credentials_replace(&credentials->certificate, NULL);
	credentials_replace(&credentials->key, NULL);
	if (credentials->stop_fd >= 0) {
		close(credentials->stop_fd);
	}
	sched_cond_finish(&credentials->changed);
	sched_mutex_finish(&credentials->lock);
	free(credentials);
}
