#pragma once
/* A private database for tests that need a real one. Run such a test by
 *   tests/support/mariadb.sh run build/.../db_<name>
 * which ctest does; the server's socket is in YUFU_TEST_SOCKET.
 *
 *   return cmocka_run_group_tests(tests, fixture_open, fixture_close);
 *
 * leaves a struct db * (root, all migrations applied) in *state of every test. */
#include <setjmp.h>
#include <stdarg.h>

#include "db/listing.h"

#include <cmocka.h>

int fixture_open(void **state);	 /* group setup */
int fixture_close(void **state); /* group teardown */
/* Lets the users of the programs log in here; fixture_open() has done it. */
void fixture_users(struct db *db);

/* Settings of a connection as "root", "yufu_api", "yufu_poller" or "yufu_worker"; the program users
 * have their real grants and no password. */
struct db_settings fixture_settings(const char *user);
struct db *fixture_as(const char *user); /* a further connection; the caller frees it */

/* Statements that must succeed. */
void fixture_sql(struct db *db, const char *sql);
int64_t fixture_value(struct db *db, const struct query *q);
extern const struct shape fixture_shape; /* of one integer column, named v */

/* FIXTURE_VALUE(db, "SELECT COUNT(*) AS v FROM entry") */
#define FIXTURE_VALUE(db, text)                                                                    \
	__extension__({                                                                            \
		static const struct query fixture_query_ = { (text), &fixture_shape };             \
		fixture_value((db), &fixture_query_);                                              \
	})

/* A page of a listing, as a caller would ask for it; then its filters, by name. */
struct list_ask list_ask_of(const struct listing *l, const char *sort, bool down, int limit);
void list_ask_filter(
	struct list_ask *ask, const struct listing *l, const char *name, struct arg value);
