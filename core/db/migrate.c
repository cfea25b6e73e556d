#include "db/migrate.h"

#include <dirent.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FILE_MAX (1024 * 1024)
#define FILES_MAX 1000

SHAPE(migration_shape, struct migration, FIELD(struct migration, number),
	FIELD(struct migration, name), FIELD(struct migration, sha256),
	FIELD(struct migration, finished_at));

static const struct query Q_TABLE = {
	"CREATE TABLE IF NOT EXISTS schema_migration ("
	" number BIGINT NOT NULL PRIMARY KEY, name VARCHAR(127) NOT NULL, sha256 CHAR(64) NOT NULL,"
	" started_at BIGINT NOT NULL COMMENT 'utc ms',"
	" finished_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: interrupted')"
	" COMMENT='files of migrations/ that were applied'",
	NULL
};
static const struct query Q_APPLIED = {
	"SELECT number, name, sha256, finished_at FROM schema_migration ORDER BY number",
	&migration_shape
};
static const struct query Q_START = {
	"REPLACE INTO schema_migration (number, name, sha256, started_at) VALUES (?, ?, ?, ?)", NULL
};
static const struct query Q_FINISH = {
	"UPDATE schema_migration SET finished_at = ? WHERE number = ?", NULL
};

static int is_migration(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 9 && strspn(d->d_name, "0123456789") == 4 && d->d_name[4] == '_' &&
	       str_eq(d->d_name + n - 4, ".sql");
}

static enum err file_load(
	const char *folder, const char *name, struct buf *out, struct problem *why)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read(path, FILE_MAX, out) != ERR_OK)
		return problem_set(why, ERR_NOT_FOUND, name, "cannot read %s", path);
	return ERR_OK;
}

/* Runs the statements of a file. A statement ends with ';' at the end of a line. */
static enum err file_run(struct db *db, const char *name, char *text, struct problem *why)
{
	while (*text) {
		char *end = strstr(text, ";\n");
		enum err e;

		if (end)
			*end = '\0';
		while (*text == '\n' || (text[0] == '-' && text[1] == '-')) {
			char *eol = strchr(text, '\n');

			text = eol ? eol + 1 : text + strlen(text);
		}
		if (*text) {
			e = db_run(db, text);
			if (e != ERR_OK)
				return problem_set(why, e, name, "statement refused: %.120s", text);
		}
		if (!end)
			break;
		text = end + 2;
	}
	return ERR_OK;
}

static void sha256_hex(const struct buf *b, char out[65])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)b->text, b->len, digest);
	hex_encode(digest, sizeof(digest), out);
}

static const struct migration *applied_find(const struct rows *applied, int64_t number)
{
	const struct migration *m = applied->at;

	for (size_t i = 0; i < applied->n; i++)
		if (m[i].number == number)
			return &m[i];
	return NULL;
}

static enum err file_apply(struct db *db, const char *folder, const char *name,
	const struct rows *applied, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	const struct migration *done;
	char sha[65];
	int64_t number;
	enum err e;

	number = strtoll(name, NULL, 10);
	e = file_load(folder, name, &text, why);
	if (e != ERR_OK)
		return e;
	sha256_hex(&text, sha);
	done = applied_find(applied, number);
	if (done && done->finished_at.ms) {
		if (str_eq(done->sha256, sha))
			return ERR_OK;
		return problem_set(
			why, ERR_CONFLICT, name, "%s was changed after it had been applied", name);
	}
	e = db_exec(db, &Q_START,
		ARGS(arg_i64(number), arg_text(name), arg_text(sha), arg_utc(utc_now())), NULL);
	if (e == ERR_OK)
		e = file_run(db, name, text.text, why);
	if (e == ERR_OK)
		e = db_exec(db, &Q_FINISH, ARGS(arg_utc(utc_now()), arg_i64(number)), NULL);
	if (e == ERR_OK)
		log_info("migration=%s applied", name);
	return e;
}

static void names_free(struct dirent ***names, int n)
{
	for (int i = 0; i < n; i++)
		free((*names)[i]);
	free(*names);
}

static enum err newest_is_known(
	const struct rows *applied, struct dirent **names, int n, struct problem *why)
{
	const struct migration *m = applied->at;
	int64_t newest = n > 0 ? strtoll(names[n - 1]->d_name, NULL, 10) : 0;

	if (applied->n > 0 && m[applied->n - 1].number > newest)
		return problem_set(why, ERR_CONFLICT, m[applied->n - 1].name,
			"the database is newer than this program");
	return ERR_OK;
}

enum err migrate_run(struct db *db, const char *folder, struct problem *why)
{
	AUTO(rows_free) struct rows applied = { 0 };
	AUTO(buf_free) struct buf grants = { 0 };
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_migration, alphasort);
	enum err e;

	if (n < 0 || n > FILES_MAX)
		return problem_set(why, ERR_NOT_FOUND, folder, "cannot list %s", folder);
	e = db_exec(db, &Q_TABLE, NO_ARGS, NULL);
	if (e == ERR_OK)
		e = db_list(db, &Q_APPLIED, NO_ARGS, &applied);
	if (e == ERR_OK)
		e = newest_is_known(&applied, names, n, why);
	for (int i = 0; e == ERR_OK && i < n; i++)
		e = file_apply(db, folder, names[i]->d_name, &applied, why);
	names_free(&names, n);
	if (e == ERR_OK)
		e = file_load(folder, "grants.sql", &grants, why);
	if (e == ERR_OK)
		e = file_run(db, "grants.sql", grants.text, why);
	return e;
}

enum err migrate_status(struct db *db, const char *folder, struct rows *out, struct problem *why)
{
	AUTO(rows_free) struct rows applied = { 0 };
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_migration, alphasort);
	struct migration *all;
	enum err e;

	if (n < 0)
		return problem_set(why, ERR_NOT_FOUND, folder, "cannot list %s", folder);
	e = db_exec(db, &Q_TABLE, NO_ARGS, NULL);
	if (e == ERR_OK)
		e = db_list(db, &Q_APPLIED, NO_ARGS, &applied);
	if (e != ERR_OK) {
		names_free(&names, n);
		return e;
	}
	all = calloc((size_t)n + 1, sizeof(*all));
	ASSERT(all);
	for (int i = 0; i < n; i++) {
		const struct migration *m;

		all[i].number = strtoll(names[i]->d_name, NULL, 10);
		m = applied_find(&applied, all[i].number);
		if (m)
			all[i] = *m;
		snprintf(all[i].name, sizeof(all[i].name), "%.127s", names[i]->d_name);
	}
	names_free(&names, n);
	*out = (struct rows){ .at = all, .n = (size_t)n };
	return ERR_OK;
}
