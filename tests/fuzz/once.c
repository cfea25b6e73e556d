/* Runs a fuzz target once over every file of a folder, where libFuzzer is not at hand: the targets
 * cannot rot, and a find that was kept in the corpus stays found. No folder is an empty corpus. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dir_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int run_file(const char *folder, const char *name)
{
	AUTO(buf_free) struct buf content = { 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read(path, 1 << 24, &content) != ERR_OK) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)content.text, content.len);
	return 0;
}

int main(int argc, char **argv)
{
	AUTO(dir_close) DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	int failed = 0, n = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	if (!dir && errno != ENOENT) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			failed |= run_file(argv[1], entry->d_name);
			n++;
		}
	printf("%d inputs\n", n);
	return failed;
}
