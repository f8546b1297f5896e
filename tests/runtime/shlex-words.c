/* SPDX-License-Identifier: Apache-2.0 */
/* Reads commands, each with a NUL behind it, and prints a line for each: its words in hexadecimal, or
 * "! " and what is wrong. For shlex-diff.py. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/exec/shlex.h"

static void print_words(const char *text, size_t length)
{
	struct shlex shlex;
	const char *wrong = shlex_split(text, length, &shlex);

	if (wrong != NULL) {
		printf("! %s", wrong);
	} else {
		for (size_t i = 0; i < shlex.size; i++) {
			if (shlex.words[i] == '\0') {
				fputs(". ", stdout);
			} else {
				printf("%02x", (unsigned int)(unsigned char)shlex.words[i]);
			}
		}
	}
	putchar('\n');
	shlex_finish(&shlex);
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getdelim(&line, &size, '\0', stdin)) > 0) {
		print_words(line, (size_t)length - (line[length - 1] == '\0' ? 1 : 0));
	}
	free(line);
	return 0;
}
