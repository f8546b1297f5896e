/* SPDX-License-Identifier: Apache-2.0 */
/* Where kinds live in the API server's URL space. The API client, local mode and the in-memory API
 * ask it. */
#include "config.h"

#include "kube/kind.h"

#include <stdio.h>
#include <string.h>

bool kind_same(const struct asb_kind *a, const struct asb_kind *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->group, b->group) == 0;
}

void kind_api_version(const struct asb_kind *kind, char ret[160])
{
	snprintf(ret, 160, "%s%s%s", kind->group, *kind->group != '\0' ? "/" : "", kind->version);
}

/* RFC 3986, unreserved; tested by hand because isalnum() asks the locale. */
static bool kind_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

int url_append(struct buf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	int code = 0;

	for (; *text != '\0' && code == 0; text++) {
		unsigned char c = (unsigned char)*text;
		char escape[] = { '%', hex[c >> 4], hex[c & 15] };

		code = kind_unreserved(*text) ? buf_append_char(out, *text)
					      : buf_append(out, escape, sizeof(escape));
	}
	return code;
}

static int kind_append_part(struct buf *out, const char *part)
{
	int code = buf_append_char(out, '/');

	return code < 0 ? code : url_append(out, part);
}

int kind_path(struct buf *out, const struct asb_kind *kind, const char *ns, const char *name,
	      const char *subresource)
{
	const char *parts[] = {
		kind->version,
		*ns != '\0' ? "namespaces" : NULL,
		*ns != '\0' ? ns : NULL,
		kind->plural,
		name,
		subresource,
	};
	int code = buf_append_str(out, *kind->group != '\0' ? "/apis" : "/api");

	if (code == 0 && *kind->group != '\0') {
		code = kind_append_part(out, kind->group);
	}
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(parts); i++) {
		if (parts[i] != NULL) {
			code = kind_append_part(out, parts[i]);
		}
	}
	return code;
}
