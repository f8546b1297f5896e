/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/config/kubeconfig: no text may crash it, and what it accepts must be fit to use: a server with a
 * scheme and no user, headers of one line each, certificates never without keys. How to build it:
 * fuzz.h, with core/kubeconfig*.c and core/config/credentials-base64.c as well.
 */
#include "config.h"

#include <string.h>

#include "core/config/kubeconfig.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "kubeconfig";

static void check_config(const struct kubeconfig *config)
{
	FUZZ_CHECK(config->server != NULL && strstr(config->server, "://") != NULL);
	FUZZ_CHECK(!config->insecure || (config->ca_pem == NULL && config->ca_file == NULL));
	FUZZ_CHECK((config->certificate_pem != NULL || config->certificate_file != NULL) ==
		   (config->key_pem != NULL || config->key_file != NULL));
	FUZZ_CHECK(config->token == NULL || strpbrk(config->token, "\r\n") == NULL);
	for (size_t i = 0; config->headers != NULL && config->headers[i] != NULL; i++) {
		FUZZ_CHECK(strncmp(config->headers[i], "Impersonate-", 12) == 0);
		FUZZ_CHECK(strpbrk(config->headers[i], "\r\n") == NULL);
	}
	FUZZ_CHECK(config->exec.command == NULL || config->exec.api_version != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kubeconfig config = { .in_cluster = true };
	struct error error = { 0 };

	if (kubeconfig_parse((const char *)data, size, "/base", &config, &error) < 0) {
		FUZZ_CHECK(error.code < 0 && error.text[0] != '\0');
		FUZZ_CHECK(config.in_cluster && config.server == NULL);
		return 0;
	}
	check_config(&config);
	kubeconfig_finish(&config);
	return 0;
}
