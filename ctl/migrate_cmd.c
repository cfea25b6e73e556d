#include <stdio.h>

#include "ctl/cmds.h"
#include "db/migrate.h"
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

int cmd_migrate(struct conf *conf, struct db *db, int argc, char **argv)
{
	const char *folder = conf_text(conf, "database", "migrations", "migrations");
	struct problem why = { 0 };
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
	e = migrate_run(db, folder, &why);
	if (e == ERR_OK)
		e = roles_install(db);
	return e == ERR_OK ? 0 : fail(e, &why);
}
