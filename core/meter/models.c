#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/model.h"
#include "meter/models_builtin.h"

#define MODEL_FILE_MAX (256 * 1024)

struct models {
	struct model **list; /* sorted by name */
	size_t count;
	struct problem *refused; /* files of the directory that are no models */
	size_t refused_count;
};

void models_free(struct models **ms)
{
	if (!*ms)
		return;
	for (size_t i = 0; i < (*ms)->count; i++)
		model_free(&(*ms)->list[i]);
	free((*ms)->list);
	free((*ms)->refused);
	free(*ms);
	*ms = NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct model *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Takes the model; one of the same name gives way to it. */
static void models_put(struct models *ms, struct model *m)
{
	for (size_t i = 0; i < ms->count; i++) {
		if (strcmp(ms->list[i]->name, m->name) != 0)
			continue;
		model_free(&ms->list[i]);
		ms->list[i] = m;
		return;
	}
	ms->list = reallocarray(ms->list, ms->count + 1, sizeof(struct model *));
	ASSERT(ms->list);
	ms->list[ms->count++] = m;
	qsort(ms->list, ms->count, sizeof(struct model *), by_name);
}

static enum err models_add(
	struct models *ms, const char *file, const char *text, size_t n, struct problem *why)
{
	struct model *m = NULL;
	struct problem inner = { 0 };
	enum err e = model_parse(text, n, &m, &inner);

	if (e != ERR_OK)
		return problem_set(why, e, file, "%s%s%s", inner.field, inner.field[0] ? ": " : "",
			inner.text);
	models_put(ms, m);
	return ERR_OK;
}

static void models_refuse(struct models *ms, const struct problem *why)
{
	ms->refused = reallocarray(ms->refused, ms->refused_count + 1, sizeof(struct problem));
	ASSERT(ms->refused);
	ms->refused[ms->refused_count++] = *why;
}

static void models_add_file(struct models *ms, const char *path)
{
	AUTO(buf_free) struct buf text = { 0 };
	struct problem why = { 0 };
	enum err e = file_read(path, MODEL_FILE_MAX, &text);

	if (e != ERR_OK)
		e = problem_set(&why, e, path, "the file cannot be read");
	else
		e = models_add(ms, path, text.text ? text.text : "", text.len, &why);
	if (e != ERR_OK)
		models_refuse(ms, &why);
}

static int is_json(const struct dirent *f)
{
	size_t n = strlen(f->d_name);

	return n >= 6 && strcmp(f->d_name + n - 5, ".json") == 0;
}

/* In the order of their names, so that of two with the same model name the same one always wins. */
static enum err models_add_dir(struct models *ms, const char *dir, struct problem *why)
{
	struct dirent **files = NULL;
	int n = scandir(dir, &files, is_json, alphasort);

	if (n < 0)
		return problem_set(why, ERR_NOT_FOUND, dir, "the directory cannot be read");
	for (int i = 0; i < n; i++) {
		AUTO(buf_free) struct buf path = { 0 };

		buf_printf(&path, "%s/%s", dir, files[i]->d_name);
		models_add_file(ms, path.text);
		free(files[i]);
	}
	free(files);
	return ERR_OK;
}

enum err models_open(const char *dir, struct models **out, struct problem *why)
{
	AUTO(models_free) struct models *ms = calloc(1, sizeof(*ms));
	enum err e = ERR_OK;

	ASSERT(ms);
	for (size_t i = 0; e == ERR_OK && i < models_builtin_count; i++) {
		const struct model_text *t = &models_builtin[i];

		e = models_add(ms, t->file, (const char *)t->bytes, t->n, why);
	}
	if (e == ERR_OK && dir && dir[0])
		e = models_add_dir(ms, dir, why);
	if (e != ERR_OK)
		return e;
	*out = ms;
	ms = NULL;
	return ERR_OK;
}

size_t models_refused_count(const struct models *ms)
{
	return ms->refused_count;
}

const struct problem *models_refused_at(const struct models *ms, size_t i)
{
	ASSERT(i < ms->refused_count);
	return &ms->refused[i];
}

const struct model *models_find(const struct models *ms, const char *name)
{
	for (size_t i = 0; i < ms->count; i++)
		if (strcmp(ms->list[i]->name, name) == 0)
			return ms->list[i];
	return NULL;
}

void models_set_keys(struct models *ms, const struct dlt645_keys *keys)
{
	for (size_t i = 0; i < ms->count; i++)
		if (!ms->list[i]->dlt645.keys.given)
			ms->list[i]->dlt645.keys = *keys;
}

size_t models_count(const struct models *ms)
{
	return ms->count;
}

const struct model *models_at(const struct models *ms, size_t i)
{
	ASSERT(i < ms->count);
	return ms->list[i];
}
