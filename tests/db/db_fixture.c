#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "db/migrate.h"

struct fixture_row {
	int64_t v;
};
static const struct field value_fields[] = { FIELD(struct fixture_row, v) };
const struct shape fixture_shape = {
	.fields = value_fields, .n = 1, .size = sizeof(struct fixture_row)
};

static const char *const PROGRAM_USERS[] = { "yufu_api", "yufu_poller", "yufu_worker" };

struct db_settings fixture_settings(const char *user)
{
	struct db_settings s = { .name = "yufu" };
	const char *socket = getenv("YUFU_TEST_SOCKET");

	if (!socket || !str_copy(s.socket, sizeof(s.socket), socket)) {
		fprintf(stderr, "no database: run this by tests/support/mariadb.sh run PROGRAM\n");
		exit(1);
	}
	assert_true(str_copy(s.user, sizeof(s.user), user));
	return s;
}

struct db *fixture_as(const char *user)
{
	struct db_settings s = fixture_settings(user);

	return db_open(&s);
}

/* The installer gives these users passwords or system users; here they need neither. */
void fixture_users(struct db *db)
{
	for (size_t i = 0; i < ARRAY_LEN(PROGRAM_USERS); i++) {
		char sql[160];

		snprintf(sql, sizeof(sql),
			"ALTER USER '%s'@'localhost' IDENTIFIED VIA mysql_native_password"
			" USING PASSWORD('')",
			PROGRAM_USERS[i]);
		fixture_sql(db, sql);
	}
}

int fixture_open(void **state)
{
	struct problem why = { 0 };
	struct db *db;

	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	db = fixture_as("root");
	*state = db;
	if (getenv("YUFU_TEST_MIGRATED"))
		return 0;
	if (migrate_run(db, SOURCE_DIR "/migrations", &why) != ERR_OK) {
		fprintf(stderr, "migrations: %s: %s\n", why.field, why.text);
		db_free(&db);
		return -1;
	}
	fixture_users(db);
	return 0;
}

int fixture_close(void **state)
{
	struct db *db = *state;

	db_free(&db);
	db_thread_end();
	return 0;
}

void fixture_sql(struct db *db, const char *sql)
{
	enum err e = db_run(db, sql);

	if (e != ERR_OK)
		fail_msg("%s: %s", err_word(e), sql);
}

int64_t fixture_value(struct db *db, const struct query *q)
{
	struct fixture_row row = { 0 };
	enum err e = db_one(db, q, NO_ARGS, &row);

	if (e != ERR_OK)
		fail_msg("%s: %s", err_word(e), q->sql);
	return row.v;
}

struct list_ask list_ask_of(const struct listing *l, const char *sort, bool down, int limit)
{
	return (struct list_ask){ .sort = listing_sort(l, sort), .down = down, .limit = limit };
}

void list_ask_filter(
	struct list_ask *ask, const struct listing *l, const char *name, struct arg value)
{
	for (size_t i = 0; i < LIST_FILTERS_MAX && l->filters[i].name; i++)
		if (str_eq(l->filters[i].name, name)) {
			ask->filters[i] = value;
			return;
		}
	fail_msg("no filter %s", name);
}
