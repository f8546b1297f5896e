/* SPDX-License-Identifier: Apache-2.0 */
/* The admin's token and those of service accounts. The server checks each request's; the token
 * subresource issues. */
#include "config.h"

#include "apiserver/api/token.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"

#define SECRET_BYTES 32u
#define MAC_BYTES 32u

int token_load(const char *directory, char ret[TOKEN_MAX], struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/token", directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0) {
		ssize_t length = read(fd, ret, TOKEN_MAX - 1);

		close(fd);
		while (length > 0 && (ret[length - 1] == '\n' || ret[length - 1] == ' ')) {
			length--;
		}
		if (length < 16) {
			return error_set(
				reterr, -EINVAL,
				"'%s' holds no token of 16 characters or more: remove it, and a new one is made",
				path);
		}
		ret[length] = '\0';
		return 0;
	}
	if (errno != ENOENT) {
		return error_set(reterr, -errno, "cannot read '%s': %s", path, strerror(errno));
	}

	unsigned char secret[SECRET_BYTES];

	if (RAND_bytes(secret, sizeof(secret)) != 1) {
		return error_set(reterr, -EIO, "no randomness for a token");
	}
	hex_encode(secret, sizeof(secret), ret);
	return file_write_private(path, ret, strlen(ret), 0600, reterr);
}

static int token_sign(const char *secret, const char *text, size_t length,
		      char ret[2 * MAC_BYTES + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_length = 0;

	if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, length,
		 mac, &mac_length) == NULL ||
	    mac_length != MAC_BYTES) {
		return -EIO;
	}
	hex_encode(mac, MAC_BYTES, ret);
	return 0;
}

/* "sa:NS:NAME:END:MAC": neither names nor numbers have a colon. */
int token_issue(const char *secret, const char *ns, const char *account, int64_t end_s,
		char ret[TOKEN_MAX])
{
	char mac[2 * MAC_BYTES + 1];
	int length = snprintf(ret, TOKEN_MAX, "sa:%s:%s:%" PRId64, ns, account, end_s);

	if (length < 0 || (size_t)length + sizeof(mac) + 1 > TOKEN_MAX || strchr(ns, ':') != NULL ||
	    strchr(account, ':') != NULL) {
		return -EINVAL;
	}
	if (token_sign(secret, ret, (size_t)length, mac) < 0) {
		return -EIO;
	}
	ret[length] = ':';
	memcpy(ret + length + 1, mac, sizeof(mac));
	return 0;
}

static bool token_same(const char *a, const char *b)
{
	size_t length = strlen(a);

	return length == strlen(b) && CRYPTO_memcmp(a, b, length) == 0;
}

static bool token_check_issued(const char *secret, const char *token, int64_t now_s,
			       char ret_user[TOKEN_USER_MAX])
{
	char mac[2 * MAC_BYTES + 1];
	const char *end = strrchr(token, ':');
	CLEANUP_FREE char *text = xstrndup(token, (size_t)(end - token));
	char *colon = strrchr(text, ':');
	int64_t end_s = 0;

	if (token_sign(secret, text, strlen(text), mac) < 0 || !token_same(mac, end + 1) ||
	    colon <= text + 2 || integer_parse(colon + 1, 0, INT64_MAX, &end_s) < 0) {
		return false;
	}
	*colon = '\0';
	return now_s < end_s && snprintf(ret_user, TOKEN_USER_MAX, "system:serviceaccount:%s",
					 text + 3) < (int)TOKEN_USER_MAX;
}

bool token_check(const char *secret, const char *authorization, int64_t now_s,
		 char ret_user[TOKEN_USER_MAX])
{
	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
		return false;
	}

	const char *token = authorization + 7 + strspn(authorization + 7, " ");

	if (token_same(token, secret)) {
		snprintf(ret_user, TOKEN_USER_MAX, "admin");
		return true;
	}
	return strlen(token) < TOKEN_MAX && strncmp(token, "sa:", 3) == 0 &&
	       token_check_issued(secret, token, now_s, ret_user);
}
