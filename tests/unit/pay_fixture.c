#include "pay_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void files_make(struct pay_files *f)
{
	(void)!str_copy(f->dir, sizeof(f->dir), "/tmp/yufu-pay.XXXXXX");
	ASSERT(mkdtemp(f->dir));
}

void files_remove(struct pay_files *f)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(f->dir);
}

const char *files_write(
	const struct pay_files *f, const char *name, const char *text, char path[static 128])
{
	FILE *file;

	snprintf(path, 128, "%s/%s", f->dir, name);
	file = fopen(path, "we");
	ASSERT(file && fputs(text, file) >= 0 && fclose(file) == 0);
	return path;
}

struct conf *files_conf(const struct pay_files *f, const char *text)
{
	char path[128];
	struct conf *conf = NULL;
	struct problem why = { 0 };

	files_write(f, "conf", text, path);
	if (conf_open(path, &conf, &why) != ERR_OK)
		fprintf(stderr, "%s: %s\n", why.field, why.text);
	ASSERT(conf);
	return conf;
}

json_t *vector(const char *name)
{
	AUTO(buf_free) struct buf text = { 0 };
	char path[512];
	json_t *j = NULL;

	snprintf(path, sizeof(path), SOURCE_DIR "/tests/vectors/pay/%s.json", name);
	ASSERT(file_read(path, 1 << 20, &text) == ERR_OK);
	ASSERT(json_parse(text.text, text.len, &j, NULL) == ERR_OK);
	return j;
}
