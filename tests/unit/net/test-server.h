/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for tests that does to its clients whatever a test wants: each connection runs a
 * function of the test in a thread of its own, over TCP or TLS, on a port of the loopback that the
 * kernel picks.
 */
#ifndef ASB_TESTS_UNIT_NET_TEST_SERVER_H
#define ASB_TESTS_UNIT_NET_TEST_SERVER_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/sched.h"

/* A key and a certificate. */
struct test_identity {
	EVP_PKEY *key;
	X509 *certificate;
	char *key_pem, *certificate_pem;
};

/* issuer NULL: a CA of its own. alt_name: "DNS:localhost,IP:127.0.0.1", or NULL. */
void test_identity_init(struct test_identity *identity, const char *name, const char *alt_name,
			const struct test_identity *issuer);
void test_identity_finish(struct test_identity *identity);

struct test_peer; /* a connection */
typedef void (*test_serve)(void *arg, struct test_peer *peer);

struct test_server_config {
	const struct test_identity *identity; /* NULL: no TLS */
	const struct test_identity
		*client_ca; /* asks for certificates of it, without insisting; or NULL */
	test_serve serve;
	void *arg;
};

struct test_server;
struct test_server *test_server_start(struct sched *sched, const struct test_server_config *config);
/* Cuts all connections and waits for their threads. */
void test_server_stop(struct test_server *server);
/* No new connections from now on. Any thread. */
void test_server_close(struct test_server *server);
uint16_t test_server_port(const struct test_server *server);
/* Connections that came so far (after their handshake), and the most at one time. */
unsigned int test_server_connections(struct test_server *server);
unsigned int test_server_peak(struct test_server *server);
/* A port of the loopback at which nothing listens. */
uint16_t test_port_closed(void);

struct test_request {
	char *head; /* all lines up to the empty one */
	char method[16], path[1024];
	char *body;
	size_t body_length;
};

/* Number of the connection, from 1. */
unsigned int test_peer_number(const struct test_peer *peer);
/* The client certificate's common name, "" without. */
const char *test_peer_name(const struct test_peer *peer);
/* False when the client has gone. */
bool test_peer_read(struct test_peer *peer, struct test_request *ret);
void test_request_finish(struct test_request *request);
/* The value of a header, up to the end of its line, in a static-free buffer of the caller; "" if it
 * is not there. */
const char *test_request_header(const struct test_request *request, const char *name,
				char value[1024]);
/* What came, without a meaning; 0 when the client has gone. */
size_t test_peer_read_some(struct test_peer *peer, char *data, size_t most);
bool test_peer_write(struct test_peer *peer, const char *data, size_t length);
bool test_peer_say(struct test_peer *peer, const char *text);
/* A whole answer with a length. */
bool test_peer_respond(struct test_peer *peer, int status, const char *headers, const char *body);
/* The connection will end with a reset instead of a proper close. */
void test_peer_reset(struct test_peer *peer);
/* Waits until the client has gone. */
void test_peer_wait_gone(struct test_peer *peer);

#endif
