/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of strings that the API server checks. Validation asks. */
#include "config.h"

#include "apiserver/schema/schema-private.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 255 /* RFC 1035 */

static bool format_is_date_time(const char *text)
{
	int64_t ms;

	return asb_time_parse(text, &ms);
}

static bool format_is_date(const char *text)
{
	char whole[32];
	int64_t ms;

	return strlen(text) == 10 && snprintf(whole, sizeof(whole), "%sT00:00:00Z", text) == 20 &&
	       asb_time_parse(whole, &ms);
}

static bool format_is_base64(const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(text), body = strspn(text, letters);

	return length % 4 == 0 && length - body <= 2 && strspn(text + body, "=") == length - body;
}

/* Go's durations, 1h2m3.5s. */
static bool format_is_duration(const char *text)
{
	static const char *const units[] = { "ns", "us", "µs", "ms", "s", "m", "h" };

	text += *text == '-' || *text == '+' ? 1 : 0;
	if (strcmp(text, "0") == 0) {
		return true;
	}
	if (*text == '\0') {
		return false;
	}
	while (*text != '\0') {
		size_t digits = strspn(text, "0123456789."), length = 0;

		for (size_t i = 0; i < ARRAY_LEN(units); i++) {
			size_t unit = strlen(units[i]);

			if (strncmp(text + digits, units[i], unit) == 0 && unit > length) {
				length = unit;
			}
		}
		if (digits == 0 || length == 0) {
			return false;
		}
		text += digits + length;
	}
	return true;
}

static bool format_is_uuid(const char *text)
{
	size_t digits = 0;

	for (; *text != '\0'; text++) {
		if (*text == '-') {
			if (digits != 8 && digits != 12 && digits != 16 && digits != 20) {
				return false;
			}
		} else if (!isxdigit((unsigned char)*text)) {
			return false;
		} else {
			digits++;
		}
	}
	return digits == 32;
}

static bool format_is_ipv4(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET, text, address) == 1;
}

static bool format_is_ipv6(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET6, text, address) == 1;
}

static bool format_is_cidr(const char *text)
{
	char address[64];
	const char *slash = strchr(text, '/');
	int bits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address) ||
	    strspn(slash + 1, "0123456789") != strlen(slash + 1) || strlen(slash + 1) > 3 ||
	    sscanf(slash + 1, "%3d", &bits) != 1) {
		return false;
	}
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	return (format_is_ipv4(address) && bits <= 32) || (format_is_ipv6(address) && bits <= 128);
}

static bool format_is_mac(const char *text)
{
	for (int i = 0; i < 6; i++, text += 2) {
		if (i > 0 && *text++ != ':') {
			return false;
		}
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1])) {
			return false;
		}
	}
	return *text == '\0';
}

static bool format_is_hostname(const char *text)
{
	if (*text == '\0' || strlen(text) > HOST_MAX) {
		return false;
	}
	while (*text != '\0') {
		size_t length = strcspn(text, ".");

		if (length == 0 || length > 63 || *text == '-' || text[length - 1] == '-') {
			return false;
		}
		for (size_t i = 0; i < length; i++) {
			if (!isalnum((unsigned char)text[i]) && text[i] != '-') {
				return false;
			}
		}
		text += length + (text[length] == '.' ? 1 : 0);
	}
	return true;
}

static bool format_is_email(const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL && at != text && strpbrk(text, " <>\t\n") == NULL && at[1] != '\0';
}

/* As Go's ParseRequestURI: a scheme, or a path from the root. */
static bool format_is_uri(const char *text)
{
	size_t scheme =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

	if (strpbrk(text, " \t\n\x7f") != NULL) {
		return false;
	}
	return *text == '/' || (scheme > 0 && isalpha((unsigned char)*text) && text[scheme] == ':');
}

bool schema_format_fits(const char *format, const char *text)
{
	static const struct {
		const char *format;
		bool (*fits)(const char *text);
	} formats[] = {
		{ "date-time", format_is_date_time },
		{ "datetime", format_is_date_time },
		{ "date", format_is_date },
		{ "byte", format_is_base64 },
		{ "duration", format_is_duration },
		{ "uuid", format_is_uuid },
		{ "uuid3", format_is_uuid },
		{ "uuid4", format_is_uuid },
		{ "uuid5", format_is_uuid },
		{ "ipv4", format_is_ipv4 },
		{ "ipv6", format_is_ipv6 },
		{ "cidr", format_is_cidr },
		{ "mac", format_is_mac },
		{ "hostname", format_is_hostname },
		{ "email", format_is_email },
		{ "uri", format_is_uri },
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].format, format) == 0) {
			return formats[i].fits(text);
		}
	}
	return true;
}
