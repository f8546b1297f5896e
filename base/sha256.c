/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by libcrypto. Called by the host for plugins, and by programs that store hashes of
 * tokens. */
#include "config.h"

#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/hex.h"

void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	/* Fails only without memory, or where a policy forbids SHA-256. */
	if (EVP_Digest(data, size, digest, &length, EVP_sha256(), NULL) != 1) {
		abort();
	}
	hex_encode(digest, length, ret);
}
