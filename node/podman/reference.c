/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: which are well formed, and what short ones may stand for. For image.c. */
#include "config.h"

#include "node/podman/reference.h"

#include <string.h>

#include "base/memory.h"

#define NAME_MAX_LENGTH 255
#define TAG_MAX_LENGTH 128

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool reference_has_registry(const char *text)
{
	size_t first = strcspn(text, "/");

	return text[first] == '/' &&
	       (memchr(text, '.', first) != NULL || memchr(text, ':', first) != NULL ||
		(first == 9 && strncmp(text, "localhost", 9) == 0));
}

/* A host with perhaps a port. */
static bool reference_host_ok(const char *text, size_t length)
{
	size_t name = strspn(text, LOWER UPPER DIGITS ".-");

	if (name == 0 || name > length || strchr("-.", text[0]) != NULL) {
		return false;
	}
	return name == length || (text[name] == ':' && length > name + 1 &&
				  strspn(text + name + 1, DIGITS) == length - name - 1);
}

/* Pieces between slashes, none empty, each beginning and ending with a letter or digit. */
static bool reference_path_ok(const char *text, size_t length)
{
	char last = '/';

	for (size_t i = 0; i < length; i++) {
		bool edge = last == '/' || i + 1 == length || text[i + 1] == '/';

		if (text[i] == '/' ? last == '/' : strchr(LOWER DIGITS "._-", text[i]) == NULL) {
			return false;
		}
		if (edge && text[i] != '/' && strchr(LOWER DIGITS, text[i]) == NULL) {
			return false;
		}
		last = text[i];
	}
	return length > 0 && last != '/';
}

bool reference_ok(const char *text)
{
	size_t host = reference_has_registry(text) ? strcspn(text, "/") + 1 : 0;
	const char *path = text + host;
	size_t length = strcspn(path, ":@");
	const char *rest = path + length;

	if (strlen(text) > NAME_MAX_LENGTH + TAG_MAX_LENGTH || length > NAME_MAX_LENGTH ||
	    (host > 0 && !reference_host_ok(text, host - 1)) || !reference_path_ok(path, length)) {
		return false;
	}
	if (*rest == ':') {
		size_t tag = strspn(rest + 1, LOWER UPPER DIGITS "_.-");

		if (tag == 0 || tag > TAG_MAX_LENGTH || rest[1] == '.' || rest[1] == '-') {
			return false;
		}
		rest += 1 + tag;
	}
	if (*rest == '@') {
		size_t algorithm = strspn(rest + 1, LOWER DIGITS "+._-");
		const char *digest = rest + 1 + algorithm;

		if (algorithm == 0 || *digest != ':') {
			return false;
		}
		rest = digest + 1 + strspn(digest + 1, "abcdef" DIGITS);
		if (rest - digest <= 32) {
			return false;
		}
	}
	return *rest == '\0';
}

size_t reference_candidates(const char *text, char *ret[2])
{
	size_t count = 0;

	if (reference_has_registry(text)) {
		ret[count++] = xstrdup(text);
		return count;
	}
	ret[count++] = xprintf("localhost/%s", text);
	ret[count++] = strchr(text, '/') != NULL ? xprintf("docker.io/%s", text)
						 : xprintf("docker.io/library/%s", text);
	return count;
}
