/* SPDX-License-Identifier: Apache-2.0 */
/* Reading Retry-After, which is a number of seconds or a date. For the responses of the transport.
 */
#include "config.h"

#include "net/retry-after.h"

#include <curl/curl.h>
#include <string.h>

static uint32_t retry_after_clamp(int64_t ms, uint32_t most_ms)
{
	return ms < 0 ? 0 : ms > most_ms ? most_ms : (uint32_t)ms;
}

uint32_t retry_after_ms(const char *value, size_t length, int64_t now_wall_us, uint32_t most_ms)
{
	static const char blank[] = " \t\r\n";
	char text[64];

	while (length > 0 && memchr(blank, value[0], sizeof(blank) - 1) != NULL) {
		value++;
		length--;
	}
	while (length > 0 && memchr(blank, value[length - 1], sizeof(blank) - 1) != NULL) {
		length--;
	}
	if (length == 0 || length >= sizeof(text)) {
		return 0;
	}
	memcpy(text, value, length);
	text[length] = '\0';

	if (strspn(text, "0123456789") == length) {
		int64_t seconds = 0;

		for (size_t i = 0; i < length && seconds <= most_ms; i++) {
			seconds = seconds * 10 + (text[i] - '0');
		}
		return retry_after_clamp(seconds * 1000, most_ms);
	}

	time_t date = curl_getdate(text, NULL);

	return date < 0 ? 0 : retry_after_clamp((int64_t)date * 1000 - now_wall_us / 1000, most_ms);
}
