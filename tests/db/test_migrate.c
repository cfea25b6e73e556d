/* Migrations: applied once, repeatable after an interruption, refused when changed. */
#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/migrate.h"

/* Every test gets an empty folder, and a database of its own named like it. */
struct place {
	char folder[64];
	struct db *db;
};

static void file_put(const struct place *p, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int place_make(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct db_settings s = fixture_settings("root");
	struct db *root = fixture_as("root");
	char sql[96];

	assert_non_null(p);
	assert_true(str_copy(p->folder, sizeof(p->folder), "/tmp/yufu-migrate-XXXXXX"));
	assert_non_null(mkdtemp(p->folder));
	assert_true(str_copy(s.name, sizeof(s.name), p->folder + strlen("/tmp/")));
	snprintf(sql, sizeof(sql), "CREATE DATABASE `%s`", s.name);
	fixture_sql(root, sql);
	db_free(&root);
	p->db = db_open(&s);
	file_put(p, "grants.sql", "");
	file_put(p, "0001_one.sql", "CREATE TABLE IF NOT EXISTS one (id BIGINT);\n");
	*state = p;
	return 0;
}

static int place_drop(void **state)
{
	struct place *p = *state;
	char command[96];

	db_free(&p->db);
	for (const char *const *name =
			(const char *const[]){ "grants.sql", "0001_one.sql", "0002_two.sql", NULL };
		*name; name++) {
		snprintf(command, sizeof(command), "%s/%s", p->folder, *name);
		unlink(command);
	}
	rmdir(p->folder);
	free(p);
	return 0;
}

static enum err migrate(const struct place *p, struct problem *why)
{
	return migrate_run(p->db, p->folder, why);
}

static void twice_is_once(void **state)
{
	struct place *p = *state;

	assert_int_equal(migrate(p, NULL), ERR_OK);
	assert_int_equal(migrate(p, NULL), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(p->db, "SELECT COUNT(*) AS v FROM schema_migration"), 1);
}

static void only_new_files_run(void **state)
{
	struct place *p = *state;

	assert_int_equal(migrate(p, NULL), ERR_OK);
	fixture_sql(p->db, "INSERT INTO one VALUES (1)");
	file_put(p, "0002_two.sql",
		"-- A comment.\nCREATE TABLE IF NOT EXISTS two (id BIGINT);\n\n"
		"INSERT INTO two SELECT id FROM one;\n");
	assert_int_equal(migrate(p, NULL), ERR_OK);
	assert_int_equal(migrate(p, NULL), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(p->db, "SELECT COUNT(*) AS v FROM two"), 1);
}

static void a_changed_file_is_refused(void **state)
{
	struct place *p = *state;
	struct problem why = { 0 };

	assert_int_equal(migrate(p, NULL), ERR_OK);
	file_put(p, "0001_one.sql", "CREATE TABLE IF NOT EXISTS one (id INT);\n");
	file_put(p, "0002_two.sql", "CREATE TABLE two (id BIGINT);\n");
	assert_int_equal(migrate(p, &why), ERR_CONFLICT);
	assert_string_equal(why.field, "0001_one.sql");
	assert_non_null(strstr(why.text, "changed"));
	assert_int_equal(
		FIXTURE_VALUE(p->db, "SELECT COUNT(*) AS v FROM information_schema.tables"
				     " WHERE table_schema = DATABASE() AND table_name = 'two'"),
		0);
}

static void a_database_newer_than_the_program_is_refused(void **state)
{
	struct place *p = *state;
	struct problem why = { 0 };
	char path[96];

	file_put(p, "0002_two.sql", "CREATE TABLE two (id BIGINT);\n");
	assert_int_equal(migrate(p, NULL), ERR_OK);
	snprintf(path, sizeof(path), "%s/0002_two.sql", p->folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(migrate(p, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "newer"));
}

static void an_interrupted_file_runs_again(void **state)
{
	struct place *p = *state;
	struct problem why = { 0 };

	file_put(p, "0002_two.sql",
		"CREATE TABLE IF NOT EXISTS two (id BIGINT);\nINSERT INTO missing VALUES (1);\n");
	assert_int_equal(migrate(p, &why), ERR_DB);
	assert_non_null(strstr(why.text, "missing"));
	fixture_sql(p->db, "CREATE TABLE missing (id BIGINT)");
	assert_int_equal(migrate(p, NULL), ERR_OK);
	assert_int_equal(FIXTURE_VALUE(p->db, "SELECT COUNT(*) AS v FROM missing"), 1);
}

static void status_tells_applied_from_pending(void **state)
{
	struct place *p = *state;
	AUTO(rows_free) struct rows all = { 0 };
	const struct migration *m;

	assert_int_equal(migrate(p, NULL), ERR_OK);
	file_put(p, "0002_two.sql", "CREATE TABLE two (id BIGINT);\n");
	assert_int_equal(migrate_status(p->db, p->folder, &all, NULL), ERR_OK);
	assert_int_equal(all.n, 2);
	m = all.at;
	assert_true(m[0].finished_at.ms > 0);
	assert_int_equal(m[1].finished_at.ms, 0);
}

/* The real ones, on the database that fixture_open made by them. */
static void our_own_files_can_all_run_twice(void **state)
{
	struct db *db = fixture_as("root");
	struct problem why = { 0 };

	(void)state;
	fixture_sql(db, "UPDATE schema_migration SET finished_at = 0");
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	db_free(&db);
}

static void every_table_and_odd_column_is_explained(void **state)
{
	struct db *db = fixture_as("root");

	(void)state;
	assert_int_equal(FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM information_schema.tables"
					   " WHERE table_schema = 'yufu' AND table_comment = ''"),
		0);
	assert_int_equal(
		FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM information_schema.columns"
				  " WHERE table_schema = 'yufu'"
				  " AND data_type IN ('float', 'double', 'datetime', 'timestamp')"),
		0);
	db_free(&db);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(twice_is_once),
		IN_PLACE(only_new_files_run),
		IN_PLACE(a_changed_file_is_refused),
		IN_PLACE(a_database_newer_than_the_program_is_refused),
		IN_PLACE(an_interrupted_file_runs_again),
		IN_PLACE(status_tells_applied_from_pending),
		cmocka_unit_test(our_own_files_can_all_run_twice),
		cmocka_unit_test(every_table_and_odd_column_is_explained),
	};

	return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
