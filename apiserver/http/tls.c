/* SPDX-License-Identifier: Apache-2.0 */
/* The CA and the server's certificate, made by libcrypto and kept in the state directory. The command
 * loads them before it serves. */
#include "config.h"

#include "apiserver/http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"

#define DAY INT64_C(86400)
#define CA_DAYS 3650
#define LEAF_DAYS 365
#define LEAF_RENEW_DAYS 60
#define PEM_MAX 16384u /* a key or a certificate has less than 2 KB */

struct pair {
	EVP_PKEY *key;
	X509 *certificate;
};

static void pair_finish(struct pair *pair)
{
	EVP_PKEY_free(pair->key);
	X509_free(pair->certificate);
}
#define CLEANUP_PAIR CLEANUP(pair_finish)

static void tls_bio_finish(BIO **bio)
{
	BIO_free(*bio);
}
#define CLEANUP_BIO CLEANUP(tls_bio_finish)

/* ---- files ---- */

/* Its text, or NULL with the error, which is -ENOENT when it is not there. */
static char *tls_read_file(const char *path, struct error *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		error_set(reterr, -errno, "cannot read '%s': %s", path, strerror(errno));
		return NULL;
	}

	char *text = xalloc(PEM_MAX + 1);
	ssize_t length = read(fd, text, PEM_MAX);

	close(fd);
	if (length <= 0 || length == PEM_MAX) {
		free(text);
		error_set(reterr, -EINVAL, "'%s' is no PEM file of ours", path);
		return NULL;
	}
	return text;
}

static int tls_parse(const char *certificate, const char *key, struct pair *ret)
{
	CLEANUP_BIO BIO *first = BIO_new_mem_buf(certificate, -1);
	CLEANUP_BIO BIO *second = BIO_new_mem_buf(key, -1);

	ret->certificate = PEM_read_bio_X509(first, NULL, NULL, NULL);
	ret->key = PEM_read_bio_PrivateKey(second, NULL, NULL, NULL);
	return ret->certificate != NULL && ret->key != NULL &&
			       X509_check_private_key(ret->certificate, ret->key) == 1
		       ? 0
		       : -EINVAL;
}

/* 0, -ENOENT when one of the two is not there, or another error. */
static int tls_load_pair(const char *directory, const char *name, struct pair *ret,
			 struct error *reterr)
{
	CLEANUP_FREE char *certificate_path = xprintf("%s/%s.crt", directory, name);
	CLEANUP_FREE char *key_path = xprintf("%s/%s.key", directory, name);
	struct error error = { 0 };
	CLEANUP_FREE char *certificate = tls_read_file(certificate_path, &error);
	CLEANUP_FREE char *key = certificate != NULL ? tls_read_file(key_path, &error) : NULL;

	if (key == NULL) {
		return error_set(reterr, error.code, "%s", error.text);
	}
	return tls_parse(certificate, key, ret) == 0
		       ? 0
		       : error_set(
				 reterr, -EINVAL,
				 "'%s' and '%s' do not belong together: remove both, and new ones are made",
				 certificate_path, key_path);
}

static char *tls_pem_of(BIO *bio)
{
	char *data = NULL;
	long length = BIO_get_mem_data(bio, &data);

	return xstrndup(data, length > 0 ? (size_t)length : 0);
}

static char *tls_certificate_text(X509 *certificate)
{
	CLEANUP_BIO BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, certificate);
	return tls_pem_of(bio);
}

static char *tls_key_text(EVP_PKEY *key)
{
	CLEANUP_BIO BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	return tls_pem_of(bio);
}

static void tls_text_release(char **text)
{
	if (*text != NULL) {
		explicit_bzero(*text, strlen(*text));
		free(*text);
	}
}

static int tls_save_pair(const char *directory, const char *name, const struct pair *pair,
			 struct error *reterr)
{
	CLEANUP_FREE char *certificate_path = xprintf("%s/%s.crt", directory, name);
	CLEANUP_FREE char *key_path = xprintf("%s/%s.key", directory, name);
	CLEANUP_FREE char *certificate = tls_certificate_text(pair->certificate);
	CLEANUP(tls_text_release) char *key = tls_key_text(pair->key);
	int code = file_write_private(key_path, key, strlen(key), 0600, reterr);

	return code < 0 ? code
			: file_write_private(certificate_path, certificate, strlen(certificate),
					     0644, reterr);
}

/* ---- making ---- */

static bool tls_extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);

	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return added;
}

static bool tls_number_it(X509 *certificate)
{
	unsigned char serial[16];
	bool good = RAND_bytes(serial, sizeof(serial)) == 1;

	serial[0] &= 0x7f;

	BIGNUM *number = good ? BN_bin2bn(serial, sizeof(serial), NULL) : NULL;

	good = number != NULL &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return good;
}

/* Makes the parts of a certificate that a CA and a leaf have in common. */
static bool tls_prepare(struct pair *pair, const char *name, int64_t now_s, int days)
{
	pair->key = EVP_EC_gen("P-256");
	pair->certificate = X509_new();
	if (pair->key == NULL || pair->certificate == NULL || !tls_number_it(pair->certificate)) {
		return false;
	}

	time_t now = (time_t)now_s;
	X509_NAME *subject = X509_get_subject_name(pair->certificate);

	/* An hour back: clocks of containers differ a little. */
	return X509_set_version(pair->certificate, X509_VERSION_3) == 1 &&
	       X509_time_adj_ex(X509_getm_notBefore(pair->certificate), 0, -3600, &now) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(pair->certificate), days, 0, &now) != NULL &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					  -1, -1, 0) == 1 &&
	       X509_set_pubkey(pair->certificate, pair->key) == 1;
}

static int tls_make_ca(int64_t now_s, struct pair *ret, struct error *reterr)
{
	bool good = tls_prepare(ret, "agent-sandbox-local-ca", now_s, CA_DAYS);
	X509 *ca = ret->certificate;

	good = good && X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
	       tls_extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       tls_extend(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       tls_extend(ca, ca, NID_subject_key_identifier, "hash") &&
	       X509_sign(ca, ret->key, EVP_sha256()) > 0;
	return good ? 0 : error_set(reterr, -EIO, "libcrypto cannot make a CA");
}

static int tls_make_leaf(const struct pair *ca, int64_t now_s, struct pair *ret,
			 struct error *reterr)
{
	bool good = tls_prepare(ret, "agent-sandbox-local", now_s, LEAF_DAYS);
	X509 *leaf = ret->certificate;

	good = good && X509_set_issuer_name(leaf, X509_get_subject_name(ca->certificate)) == 1 &&
	       tls_extend(leaf, ca->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       tls_extend(leaf, ca->certificate, NID_key_usage, "critical,digitalSignature") &&
	       tls_extend(leaf, ca->certificate, NID_ext_key_usage, "serverAuth") &&
	       tls_extend(leaf, ca->certificate, NID_authority_key_identifier, "keyid") &&
	       tls_extend(
		       leaf, ca->certificate, NID_subject_alt_name,
		       "IP:127.0.0.1,IP:::1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc") &&
	       X509_sign(leaf, ca->key, EVP_sha256()) > 0;
	return good ? 0 : error_set(reterr, -EIO, "libcrypto cannot make the server's certificate");
}

/* ---- loading ---- */

static bool tls_good_for(X509 *certificate, int64_t until_s)
{
	time_t until = (time_t)until_s;

	return X509_cmp_time(X509_get0_notAfter(certificate), &until) > 0;
}

static int tls_load_ca(const char *directory, int64_t now_s, struct pair *ret, struct error *reterr)
{
	int code = tls_load_pair(directory, "ca", ret, reterr);

	if (code == -ENOENT || (code == 0 && !tls_good_for(ret->certificate, now_s))) {
		pair_finish(ret);
		*ret = (struct pair){ 0 };
		code = tls_make_ca(now_s, ret, reterr);
		return code < 0 ? code : tls_save_pair(directory, "ca", ret, reterr);
	}
	return code;
}

static int tls_load_leaf(const char *directory, const struct pair *ca, int64_t now_s,
			 struct pair *ret, struct error *reterr)
{
	int code = tls_load_pair(directory, "server", ret, reterr);

	if (code == 0 && tls_good_for(ret->certificate, now_s + LEAF_RENEW_DAYS * DAY) &&
	    X509_verify(ret->certificate, ca->key) == 1) {
		return 0;
	}
	/* A new leaf replaces one with any fault, since clients trust the CA. */
	pair_finish(ret);
	*ret = (struct pair){ 0 };
	code = tls_make_leaf(ca, now_s, ret, reterr);
	return code < 0 ? code : tls_save_pair(directory, "server", ret, reterr);
}

int tls_load(const char *directory, int64_t now_s, struct tls_files *ret, struct error *reterr)
{
	CLEANUP_PAIR struct pair ca = { 0 };
	CLEANUP_PAIR struct pair leaf = { 0 };
	int code = tls_load_ca(directory, now_s, &ca, reterr);

	if (code == 0) {
		code = tls_load_leaf(directory, &ca, now_s, &leaf, reterr);
	}
	if (code < 0) {
		return error_prefix(reterr, "certificates");
	}

	CLEANUP_FREE char *own = tls_certificate_text(leaf.certificate);

	ret->ca = tls_certificate_text(ca.certificate);
	ret->leaf = xprintf("%s%s", own, ret->ca);
	ret->key = tls_key_text(leaf.key);
	return 0;
}

void tls_finish(struct tls_files *files)
{
	free(files->ca);
	free(files->leaf);
	tls_text_release(&files->key);
	*files = (struct tls_files){ 0 };
}
