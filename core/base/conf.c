#include "base/conf.h"

#include <ctype.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf {
	GKeyFile *file;
	GPtrArray *texts; /* values handed out, freed with the conf */
};

enum err conf_open(const char *path, struct conf **out, struct problem *why)
{
	struct conf *c = calloc(1, sizeof(*c));
	GError *err = NULL;

	ASSERT(c);
	c->file = g_key_file_new();
	c->texts = g_ptr_array_new_with_free_func(g_free);
	if (path && !g_key_file_load_from_file(c->file, path, G_KEY_FILE_NONE, &err)) {
		problem_set(why, ERR_NOT_CONFIGURED, path, "%s", err->message);
		g_error_free(err);
		conf_free(&c);
		return ERR_NOT_CONFIGURED;
	}
	*out = c;
	return ERR_OK;
}

void conf_free(struct conf **c)
{
	if (!*c)
		return;
	g_key_file_free((*c)->file);
	g_ptr_array_free((*c)->texts, TRUE);
	free(*c);
	*c = NULL;
}

static const char *from_environment(const char *section, const char *key)
{
	char name[128];
	int n = snprintf(name, sizeof(name), "YUFU_%s_%s", section, key);

	if (n < 0 || (size_t)n >= sizeof(name))
		return NULL;
	for (char *s = name; *s; s++)
		*s = (char)toupper((unsigned char)*s);
	return getenv(name);
}

const char *conf_text(struct conf *c, const char *section, const char *key, const char *fallback)
{
	const char *env = from_environment(section, key);
	char *v;

	if (env)
		return env;
	v = g_key_file_get_string(c->file, section, key, NULL);
	if (!v)
		return fallback;
	g_strstrip(v);
	g_ptr_array_add(c->texts, v);
	return v;
}

enum err conf_int(struct conf *c, const char *section, const char *key, int64_t min, int64_t max,
	int64_t fallback, int64_t *out, struct problem *why)
{
	const char *v = conf_text(c, section, key, NULL);

	if (!v) {
		*out = fallback;
		return ERR_OK;
	}
	if (i64_parse(v, min, max, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key,
			"[%s] %s must be a whole number from %lld to %lld", section, key,
			(long long)min, (long long)max);
	return ERR_OK;
}

enum err conf_secret(struct conf *c, const char *section, const char *key, struct buf *out)
{
	char file_key[96];
	const char *path, *v;
	enum err e;

	snprintf(file_key, sizeof(file_key), "%s_file", key);
	path = conf_text(c, section, file_key, NULL);
	if (path) {
		e = file_read(path, 65536, out);
		if (e != ERR_OK)
			return ERR_NOT_CONFIGURED;
		while (out->len > 0 &&
			(out->text[out->len - 1] == '\n' || out->text[out->len - 1] == '\r'))
			out->text[--out->len] = '\0';
		return ERR_OK;
	}
	v = conf_text(c, section, key, NULL);
	if (!v)
		return ERR_NOT_CONFIGURED;
	*out = (struct buf){ 0 };
	buf_adds(out, v);
	return ERR_OK;
}
