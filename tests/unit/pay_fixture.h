#pragma once
/* Settings of the payment services from throw-away keys, in a folder of its own. */
#include "base/conf.h"
#include "base/json.h"

struct pay_files {
	char dir[64];
	char conf[96];
};
/* A new folder with fresh keys; *text gets the settings, to which tests may add. */
void files_make(struct pay_files *f);
void files_remove(struct pay_files *f); /* for AUTO() */
/* Writes text as DIR/name; answers the path. */
const char *files_write(
	const struct pay_files *f, const char *name, const char *text, char path[static 128]);
/* Opens the settings written as DIR/conf. */
struct conf *files_conf(const struct pay_files *f, const char *text);

/* A file of tests/vectors/pay as JSON. */
json_t *vector(const char *name);
