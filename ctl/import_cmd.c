/* yufu import FILE: a workbook into the database, or a report of why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "ctl/cmds.h"
#include "ctl/who.h"
#include "import/apply.h"

#define FILE_MAX ((size_t)256 << 20)

struct options {
	const char *file;
	const char *lang; /* "zh" "en" */
	bool dry_run;
};

static int usage(void)
{
	fprintf(stderr, "usage: yufu import FILE.xlsx|.xls|.csv [--dry-run] [--lang zh|en]\n");
	return 2;
}

/* As the rest of the system does: the first of these that is set. */
static const char *lang_default(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);

		if (v && v[0])
			return str_starts(v, "zh") ? "zh" : "en";
	}
	return "en";
}

static bool options_read(int argc, char **argv, struct options *o)
{
	*o = (struct options){ .lang = lang_default() };
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--dry-run"))
			o->dry_run = true;
		else if (str_eq(argv[i], "--lang") && i + 1 < argc)
			o->lang = argv[++i];
		else if (str_starts(argv[i], "--lang="))
			o->lang = argv[i] + strlen("--lang=");
		else if (str_starts(argv[i], "--") || o->file)
			return false;
		else
			o->file = argv[i];
	}
	return o->file && (str_eq(o->lang, "zh") || str_eq(o->lang, "en"));
}

/* The folder of a path, for tariff files that are named from there. */
static void folder_of(const char *path, struct buf *out)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
	else
		buf_adds(out, ".");
}

static enum err load_models(struct conf *conf, struct models **out, struct problem *why)
{
	return models_open(conf_text(conf, "poller", "models_dir", NULL), out, why);
}

static enum err import_file(struct conf *conf, struct db *db, const struct options *o,
	json_t **report, struct problem *why)
{
	AUTO(models_free) struct models *models = NULL;
	AUTO(buf_free) struct buf file = { 0 };
	AUTO(buf_free) struct buf folder = { 0 };
	char once[33], actor[WHO_MAX];
	enum err e = file_read(o->file, FILE_MAX, &file);

	if (e != ERR_OK)
		return problem_set(why, e, o->file, "the file is not there, or too large");
	e = load_models(conf, &models, why);
	if (e != ERR_OK)
		return e;
	folder_of(o->file, &folder);
	rand_hex(once, 16);
	return import_run(db,
		&(struct import_ask){ .name = o->file,
			.bytes = file.text ? file.text : "",
			.n = file.len,
			.folder = folder.text,
			.dry_run = o->dry_run,
			.chinese = str_eq(o->lang, "zh"),
			.models = models,
			.rights = RIGHTS_ALL,
			.actor = who_actor(actor),
			.address = db_request(db)->address,
			.once_key = once,
			.now = utc_now() },
		report);
}

int cmd_import(struct conf *conf, struct db *db, int argc, char **argv)
{
	AUTO(json_free) json_t *report = NULL;
	struct options o;
	struct problem why = { 0 };
	enum err e;

	if (!options_read(argc, argv, &o))
		return usage();
	e = import_file(conf, db, &o, &report, &why);
	if (e != ERR_OK) {
		fprintf(stderr, "yufu import: nothing was changed: %s%s%s\n", why.field,
			why.field[0] ? ": " : "", why.text[0] ? why.text : err_text(e));
		return 1;
	}
	json_dumpf(report, stdout, JSON_INDENT(1));
	printf("\n");
	return json_is_true(json_object_get(report, "ok")) ? 0 : 1;
}
