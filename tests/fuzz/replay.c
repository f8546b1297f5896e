/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main() of a fuzz target where there is no fuzzer: feeds it the files and directories given, or
 * its own corpus. Called by `make check`, and by hand with an input that a fuzzer has found.
 */
#include "config.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/memory.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (16u * 1024 * 1024)

/* Feeds one file from an allocation of exactly its size, so that sanitizers see a byte too many. */
static int replay_file(const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT(INPUT_MAX);
	FILE *file = fopen(path, "re");
	char part[4096];
	size_t got;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	while ((got = fread(part, 1, sizeof(part), file)) > 0) {
		buf_append(&text, part, got);
	}
	fclose(file);

	CLEANUP_FREE uint8_t *exact = xalloc(text.length);

	if (text.length > 0) {
		memcpy(exact, text.data, text.length);
	}
	LLVMFuzzerTestOneInput(exact, text.length);
	return 1;
}

/* Returns how many files it was. */
static int replay(const char *path)
{
	struct stat info;
	struct dirent *entry;
	DIR *directory;
	int count = 0;

	if (stat(path, &info) < 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(info.st_mode)) {
		return replay_file(path);
	}
	directory = opendir(path);
	if (directory == NULL) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(directory)) != NULL) {
		CLEANUP_FREE char *inner = xprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.') {
			count += replay(inner);
		}
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	const char *source = getenv("top_srcdir");
	CLEANUP_FREE char *corpus =
		xprintf("%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", fuzz_corpus);
	int count = 0;

	for (int i = 1; i < argc; i++) {
		count += replay(argv[i]);
	}
	if (argc == 1) {
		count = replay(corpus);
	}
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
