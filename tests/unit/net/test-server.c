/* SPDX-License-Identifier: Apache-2.0 */
/* A server whose behaviour each test writes itself, with TLS identities made at run time. The tests
 * of net/ use it, and those of whatever stands on a real connection. */
#include "config.h"

#include "tests/unit/net/test-server.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define HEAD_MOST 65536u
#define BODY_MOST (4u << 20)

struct test_peer {
	struct test_server *server;
	struct test_peer *next;
	struct sched_thread *thread;
	int fd;
	SSL *ssl;
	unsigned int number;
	char name[128];
	bool open; /* server->lock */
	struct buf in;
};

struct test_server {
	struct sched *sched;
	struct test_server_config config;
	SSL_CTX *context;
	int fd;
	uint16_t port;
	struct sched_thread *thread;
	struct sched_mutex lock;
	struct test_peer *peers;             /* lock */
	unsigned int connections, now, peak; /* lock */
	bool stopping;                       /* lock */
};

/* ---- identities ---- */

static char *pem_of(BIO *bio)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);
	char *text = xstrndup(data, (size_t)length);

	BIO_free(bio);
	return text;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);

	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

void test_identity_init(struct test_identity *identity, const char *name, const char *alt_name,
			const struct test_identity *issuer)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	BIO *bio = BIO_new(BIO_s_mem());

	identity->key = EVP_EC_gen("P-256");
	assert_non_null(identity->key);
	identity->certificate = certificate;
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer != NULL ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, identity->key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
				   -1, 0);

	X509 *signer = issuer != NULL ? issuer->certificate : certificate;

	X509_set_issuer_name(certificate, X509_get_subject_name(signer));
	extend(certificate, signer, NID_basic_constraints,
	       issuer != NULL ? "CA:FALSE" : "critical,CA:TRUE");
	if (alt_name != NULL) {
		extend(certificate, signer, NID_subject_alt_name, alt_name);
	}
	assert_true(X509_sign(certificate, issuer != NULL ? issuer->key : identity->key,
			      EVP_sha256()) > 0);

	PEM_write_bio_X509(bio, certificate);
	identity->certificate_pem = pem_of(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL);
	identity->key_pem = pem_of(bio);
}

void test_identity_finish(struct test_identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
	free(identity->key_pem);
	free(identity->certificate_pem);
	*identity = (struct test_identity){ 0 };
}

/* ---- connections ---- */

unsigned int test_peer_number(const struct test_peer *peer)
{
	return peer->number;
}

const char *test_peer_name(const struct test_peer *peer)
{
	return peer->name;
}

static bool read_more(struct test_peer *peer)
{
	char data[16384];
	ssize_t got = peer->ssl != NULL ? SSL_read(peer->ssl, data, sizeof(data))
					: recv(peer->fd, data, sizeof(data), 0);

	return got > 0 && buf_append(&peer->in, data, (size_t)got) == 0;
}

bool test_peer_write(struct test_peer *peer, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t put = peer->ssl != NULL ? SSL_write(peer->ssl, data, (int)length)
						: send(peer->fd, data, length, MSG_NOSIGNAL);

		if (put <= 0) {
			return false;
		}
		data += put;
		length -= (size_t)put;
	}
	return true;
}

bool test_peer_say(struct test_peer *peer, const char *text)
{
	return test_peer_write(peer, text, strlen(text));
}

bool test_peer_respond(struct test_peer *peer, int status, const char *headers, const char *body)
{
	CLEANUP_FREE char *text = xprintf(
		"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
		status, headers != NULL ? headers : "", strlen(body), body);

	return test_peer_say(peer, text);
}

void test_peer_reset(struct test_peer *peer)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void test_peer_wait_gone(struct test_peer *peer)
{
	while (read_more(peer)) {
		buf_clear(&peer->in);
	}
}

const char *test_request_header(const struct test_request *request, const char *name,
				char value[1024])
{
	size_t length = strlen(name);

	value[0] = '\0';
	for (const char *line = strchr(request->head, '\n'); line != NULL;
	     line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			const char *start = line + length + 1;

			start += strspn(start, " ");
			snprintf(value, 1024, "%.*s", (int)strcspn(start, "\r\n"), start);
			break;
		}
	}
	return value;
}

bool test_peer_read(struct test_peer *peer, struct test_request *ret)
{
	const char *end;
	char value[1024];

	*ret = (struct test_request){ 0 };
	while ((end = strstr(buf_str(&peer->in), "\r\n\r\n")) == NULL) {
		if (!read_more(peer)) {
			return false;
		}
	}

	size_t head_length = (size_t)(end - peer->in.data) + 4;

	ret->head = xstrndup(peer->in.data, head_length);
	buf_consume(&peer->in, head_length);
	if (sscanf(ret->head, "%15s %1023s", ret->method, ret->path) != 2) {
		test_request_finish(ret);
		return false;
	}
	for (const char *digit = test_request_header(ret, "Content-Length", value); *digit != '\0';
	     digit++) {
		ret->body_length = ret->body_length * 10 + (size_t)(*digit - '0');
	}
	while (peer->in.length < ret->body_length) {
		if (!read_more(peer)) {
			test_request_finish(ret);
			return false;
		}
	}
	ret->body = xstrndup(buf_str(&peer->in), ret->body_length);
	buf_consume(&peer->in, ret->body_length);
	return true;
}

void test_request_finish(struct test_request *request)
{
	free(request->head);
	free(request->body);
	*request = (struct test_request){ 0 };
}

size_t test_peer_read_some(struct test_peer *peer, char *data, size_t most)
{
	if (peer->in.length == 0 && !read_more(peer)) {
		return 0;
	}

	size_t length = peer->in.length < most ? peer->in.length : most;

	memcpy(data, peer->in.data, length);
	buf_consume(&peer->in, length);
	return length;
}

static bool handshake(struct test_peer *peer)
{
	if (peer->server->context == NULL) {
		return true;
	}
	peer->ssl = SSL_new(peer->server->context);
	SSL_set_fd(peer->ssl, peer->fd);
	if (SSL_accept(peer->ssl) != 1) {
		return false;
	}

	X509 *certificate = SSL_get1_peer_certificate(peer->ssl);

	if (certificate != NULL) {
		X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
					  peer->name, sizeof(peer->name));
		X509_free(certificate);
	}
	return true;
}

static void run_peer(void *arg)
{
	struct test_peer *peer = arg;
	struct test_server *server = peer->server;

	if (handshake(peer)) {
		{
			LOCKED(&server->lock);
			peer->number = ++server->connections;
			server->now++;
			server->peak = server->now > server->peak ? server->now : server->peak;
		}
		server->config.serve(server->config.arg, peer);
		LOCKED(&server->lock);
		server->now--;
	}
	ERR_clear_error();

	LOCKED(&server->lock);
	peer->open = false;
	close(peer->fd);
}

/* ---- the server ---- */

static void run_server(void *arg)
{
	struct test_server *server = arg;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);

		LOCKED(&server->lock);
		if (fd < 0 || server->stopping) {
			if (fd >= 0) {
				close(fd);
			}
			return;
		}

		struct test_peer *peer = xnew(struct test_peer);

		peer->server = server;
		peer->fd = fd;
		peer->open = true;
		peer->in = (struct buf)BUF_INIT(HEAD_MOST + BODY_MOST);
		peer->next = server->peers;
		server->peers = peer;
		peer->thread = sched_start(server->sched, "peer", run_peer, peer);
	}
}

static int open_loopback(uint16_t *ret_port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	*ret_port = ntohs(name.sin_port);
	return fd;
}

uint16_t test_port_closed(void)
{
	uint16_t port;

	close(open_loopback(&port));
	return port;
}

static int take_any(int ok, X509_STORE_CTX *store)
{
	(void)store;
	return ok;
}

static void set_tls(struct test_server *server)
{
	const struct test_identity *identity = server->config.identity;

	server->context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(server->context, identity->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server->context, identity->key), 1);
	if (server->config.client_ca != NULL) {
		static const unsigned char session[] = "tests";

		X509_STORE_add_cert(SSL_CTX_get_cert_store(server->context),
				    server->config.client_ca->certificate);
		SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER, take_any);
		SSL_CTX_set_session_id_context(server->context, session, sizeof(session) - 1);
	}
}

struct test_server *test_server_start(struct sched *sched, const struct test_server_config *config)
{
	struct test_server *server = xnew(struct test_server);

	server->sched = sched;
	server->config = *config;
	sched_mutex_init(&server->lock, sched);
	if (config->identity != NULL) {
		set_tls(server);
	}
	server->fd = open_loopback(&server->port);
	assert_int_equal(listen(server->fd, 128), 0);
	server->thread = sched_start(sched, "server", run_server, server);
	return server;
}

void test_server_close(struct test_server *server)
{
	LOCKED(&server->lock);
	server->stopping = true;
	shutdown(server->fd, SHUT_RDWR);
}

void test_server_stop(struct test_server *server)
{
	test_server_close(server);
	sched_join(server->thread);
	close(server->fd);
	{
		LOCKED(&server->lock);
		for (struct test_peer *peer = server->peers; peer != NULL; peer = peer->next) {
			if (peer->open) {
				shutdown(peer->fd, SHUT_RDWR);
			}
		}
	}
	while (server->peers != NULL) {
		struct test_peer *peer = server->peers;

		server->peers = peer->next;
		sched_join(peer->thread);
		SSL_free(peer->ssl);
		buf_finish(&peer->in);
		free(peer);
	}
	SSL_CTX_free(server->context);
	sched_mutex_finish(&server->lock);
	free(server);
}

uint16_t test_server_port(const struct test_server *server)
{
	return server->port;
}

unsigned int test_server_connections(struct test_server *server)
{
	LOCKED(&server->lock);
	return server->connections;
}

unsigned int test_server_peak(struct test_server *server)
{
	LOCKED(&server->lock);
	return server->peak;
}
