/* SPDX-License-Identifier: Apache-2.0 */
/* Accept and Content-Type headers: which representation a response gets. The API asks for each
 * request. */
#include "config.h"

#include "apiserver/api/api-private.h"

#include <string.h>
#include <strings.h>

static const char *negotiate_skip_space(const char *text)
{
	return text + strspn(text, " \t");
}

/* Whether text, up to length, is the word; case and surrounding white space do not count. */
static bool negotiate_is_word(const char *text, size_t length, const char *word)
{
	while (length > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		length--;
	}
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
		length--;
	}
	return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

bool media_type_is(const char *content_type, const char *type)
{
	return negotiate_is_word(content_type, strcspn(content_type, ";"), type);
}

/* Whether one element, up to length, has this parameter; "g=" is any that begins so. */
static bool negotiate_has_parameter(const char *element, size_t length, const char *parameter)
{
	for (size_t at = strcspn(element, ";"); at < length;) {
		size_t part = 1 + strcspn(element + at + 1, ";,");

		if (negotiate_is_word(element + at + 1, part - 1, parameter)) {
			return true;
		}
		at += part;
	}
	return false;
}

bool accepts(const char *accept, const char *type, const char *parameter)
{
	for (accept = negotiate_skip_space(accept); *accept != '\0';) {
		size_t length = strcspn(accept, ",");
		size_t name = strcspn(accept, ";,");

		if (negotiate_is_word(accept, name, type) &&
		    (parameter == NULL || negotiate_has_parameter(accept, length, parameter))) {
			return true;
		}
		accept += length;
		accept = negotiate_skip_space(accept + (*accept == ',' ? 1 : 0));
	}
	return false;
}

/* A representation that this server does not make is skipped, as the real server does. */
static bool negotiate_take_element(struct api_call *call, const char *element, size_t length)
{
	static const struct {
		const char *parameter;
		enum representation representation;
	} representations[] = {
		{ "as=Table", REPRESENTATION_TABLE },
		{ "as=PartialObjectMetadata", REPRESENTATION_METADATA },
		{ "as=PartialObjectMetadataList", REPRESENTATION_METADATA },
	};
	size_t name = strcspn(element, ";,");
	bool yaml = negotiate_is_word(element, name, "application/yaml");

	if (!yaml && !negotiate_is_word(element, name, "application/json") &&
	    !negotiate_is_word(element, name, "*/*") &&
	    !negotiate_is_word(element, name, "application/*")) {
		return false;
	}
	call->representation = REPRESENTATION_OBJECT;
	call->meta_version = "v1";
	call->yaml = yaml;
	for (size_t i = 0; i < ARRAY_LEN(representations); i++) {
		if (negotiate_has_parameter(element, length, representations[i].parameter)) {
			call->representation = representations[i].representation;
			call->meta_version = negotiate_has_parameter(element, length, "v=v1beta1")
						     ? "v1beta1"
						     : "v1";
			return negotiate_has_parameter(element, length, "g=meta.k8s.io") &&
			       (negotiate_has_parameter(element, length, "v=v1") ||
				negotiate_has_parameter(element, length, "v=v1beta1"));
		}
	}
	return true;
}

bool negotiate(struct api_call *call)
{
	const char *accept = negotiate_skip_space(call->request->accept);

	call->meta_version = "v1";
	if (*accept == '\0') {
		return true;
	}
	while (*accept != '\0') {
		size_t length = strcspn(accept, ",");

		if (negotiate_take_element(call, accept, length)) {
			return true;
		}
		accept += length;
		accept = negotiate_skip_space(accept + (*accept == ',' ? 1 : 0));
	}
	/* Logs are text, whatever a client says it wants. */
	return strcmp(call->route.subresource, "log") == 0;
}
