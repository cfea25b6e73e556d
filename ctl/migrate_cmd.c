#include <stdio.h>

#include "ctl/cmds.h"
#include "ctl/who.h"
#include "db/migrate.h"
#include "domain/audit.h"
#include "domain/role.h"

static int fail(enum err e, const struct problem *why)
{
	fprintf(stderr, "yufu migrate: %s: %s\n", why->field[0] ? why->field : err_word(e),
		why->text[0] ? why->text : err_text(e));
	return 1;
}

static int status_print(struct db *db, const char *folder)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct problem why = { 0 };
	const struct migration *m;
	enum err e = migrate_status(db, folder, &rows, &why);

	if (e != ERR_OK)
		return fail(e, &why);
	m = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		char at[UTC_TEXT_MAX];

		printf("%s %s\n", m[i].name,
			m[i].finished_at.ms ? utc_text(m[i].finished_at, at) : "pending");
	}
	return 0;
}

/* Names of what waits to be applied. */
static json_t *pending(struct db *db, const char *folder)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *names = json_array();
	struct problem why = { 0 };
	const struct migration *m;

	if (migrate_status(db, folder, &rows, &why) != ERR_OK)
		return names;
	m = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		if (!m[i].finished_at.ms)
			json_array_append_new(names, json_string(m[i].name));
	return names;
}

/* Not in one transaction with it: MariaDB commits at each DDL statement. A run that had nothing to
 * do leaves nothing. */
static enum err audited(struct db *db, const char *folder, enum err done, json_t *waited)
{
	json_t *detail;
	char actor[WHO_MAX];

	if (json_array_size(waited) == 0) {
		json_decref(waited);
		return done;
	}
	detail = json_pack("{s:o}", "migrations", waited);
	if (done != ERR_OK) {
		json_object_set_new(detail, "left", pending(db, folder));
		who_refused(db, "database.migrate", "database", done, detail);
		return done;
	}
	return audit_add(db,
		&(struct audit){ who_actor(actor), "", "database.migrate", "database", 0, NULL },
		detail, utc_now());
}

int cmd_migrate(struct conf *conf, struct db *db, int argc, char **argv)
{
	const char *folder = conf_text(conf, "database", "migrations", "migrations");
	struct problem why = { 0 };
	json_t *waited;
	bool status = false;
	enum err e;

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--status")) {
			status = true;
		} else if (str_eq(argv[i], "--folder") && i + 1 < argc) {
			folder = argv[++i];
		} else {
			fprintf(stderr, "usage: yufu migrate [--status] [--folder DIR]\n");
			return 2;
		}
	}
	if (status)
		return status_print(db, folder);
	waited = pending(db, folder);
	e = migrate_run(db, folder, &why);
	if (e == ERR_OK)
		e = roles_install(db);
	e = audited(db, folder, e, waited);
	return e == ERR_OK ? 0 : fail(e, &why);
}
