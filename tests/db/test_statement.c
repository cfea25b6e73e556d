/* A purse's movements with their running balance, and keys of repeated requests, as the API's own
 * user. */
#include "db_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "domain/idempotency.h"
#include "domain/statement.h"

#define YUAN(n) ((n)*NANO_PER_YUAN)
#define NOW ((struct utc){ INT64_C(1795342029123) }) /* 2026-11-22T10:07:09.123Z */

static struct db *api;
static struct zone *zone;

/* Opening 100 on the 20th, 7 of energy on the 20th (sealed by an entry made on the 21st), 5 and 3
 * on the open days 21 and 22, a recharge of 50 on the 22nd: 135. */
static void add_books(struct db *db)
{
	fixture_sql(db, "INSERT INTO site (id, code, name, zone) VALUES (1, 's', 's',"
			" 'Asia/Shanghai')");
	fixture_sql(db, "INSERT IGNORE INTO bus_group (id) VALUES (1)");
	fixture_sql(db, "INSERT INTO gateway (id, code, name, site_id, transport, address)"
			" VALUES (1, 'g', 'g', 1, 'rtu', 'x')");
	fixture_sql(db, "INSERT INTO supply_point (id, code, site_id, utility) VALUES (1, 'p', 1,"
			" 'electricity')");
	fixture_sql(db, "INSERT INTO meter (id, code, gateway_id, unit, model, utility,"
			" supply_point_id) VALUES (1, 'm', 1, '1', 'x', 'electricity', 1)");
	fixture_sql(db, "INSERT INTO account (id, code, kind, balance_nano) VALUES"
			" (1, 'purse:1', 'purse', 135000000000), (2, 'bank', 'bank', 0)");
	fixture_sql(db,
		"INSERT INTO entry (id, kind, once_key, reference, actor, book_day, created_at)"
		" VALUES (1, 'opening', 'a', '', 't', '2026-11-20', 1795140000000),"
		" (2, 'energy', 'day:2026-11-20:account:1:meter:1', 'day:2026-11-20', 't', "
		"'2026-11-20', 1795197600000),"
		" (3, 'recharge', 'c', 'order:9', 't', '2026-11-22', 1795341000000)");
	fixture_sql(db, "INSERT INTO posting VALUES (1, 1, 1, 100000000000), (1, 2, 2,"
			" -100000000000), (2, 1, 1, -7000000000), (2, 2, 2, 7000000000),"
			" (3, 1, 1, 50000000000), (3, 2, 2, -50000000000)");
	fixture_sql(db,
		"INSERT INTO usage_day (meter_id, day, contract_id, account_id, tariff_id,"
		" version_at, rate, tier, price_micro, qty_milli, charge_nano, sealed) VALUES"
		" (1, '2026-11-20', 1, 1, 1, 0, 'flat', 1, 1000000, 7000, 7000000000, 1),"
		" (1, '2026-11-21', 1, 1, 1, 0, 'flat', 1, 1000000, 4000, 4000000000, 0),"
		" (1, '2026-11-21', 1, 1, 1, 0, 'peak', 1, 1000000, 1000, 1000000000, 0),"
		" (1, '2026-11-22', 1, 1, 1, 0, 'flat', 1, 1000000, 3000, 3000000000, 0)");
}

static int open_all(void **state)
{
	if (fixture_open(state) != 0 || zone_open("Asia/Shanghai", &zone) != ERR_OK)
		return -1;
	api = fixture_as("yufu_api");
	add_books(*state);
	return 0;
}

static int close_all(void **state)
{
	zone_free(&zone);
	db_free(&api);
	return fixture_close(state);
}

static struct statement statement(const char *from, const char *to)
{
	struct statement s = { 0 };
	struct day first, last;

	assert_int_equal(day_parse(from, &first), ERR_OK);
	assert_int_equal(day_parse(to, &last), ERR_OK);
	last.days++;
	assert_int_equal(statement_read(api, 1, zone, zone_day_start(zone, first),
				 zone_day_start(zone, last), NOW, &s),
		ERR_OK);
	return s;
}

static void test_all(void **state)
{
	static const struct {
		const char *kind;
		int64_t amount, balance, qty;
	} want[] = {
		{ "energy", -3, 135, 3000 }, /* today so far */
		{ "recharge", 50, 138, 0 },
		{ "energy", -5, 88, 5000 }, /* both rates of the 21st */
		{ "energy", -7, 93, 7000 },
		{ "opening", 100, 100, 0 },
	};
	struct statement s = statement("2026-11-01", "2026-11-22");

	(void)state;
	assert_int_equal(s.n, ARRAY_LEN(want));
	for (size_t i = 0; i < s.n; i++) {
		assert_string_equal(s.at[i].kind, want[i].kind);
		assert_int_equal(s.at[i].amount.nano, YUAN(want[i].amount));
		assert_int_equal(s.at[i].balance.nano, YUAN(want[i].balance));
		assert_int_equal(s.at[i].qty.milli, want[i].qty);
	}
	assert_int_equal(s.opening.nano, 0);
	assert_int_equal(s.closing.nano, YUAN(135));
	assert_int_equal(s.at[0].at.ms, NOW.ms);
	statement_free(&s);
}

static void test_part(void **state)
{
	struct statement s = statement("2026-11-21", "2026-11-21");

	(void)state;
	assert_int_equal(s.n, 1);
	assert_int_equal(s.opening.nano, YUAN(93));
	assert_int_equal(s.closing.nano, YUAN(88));
	statement_free(&s);
	s = statement("2026-10-01", "2026-10-31");
	assert_int_equal(s.n, 0);
	assert_int_equal(s.opening.nano, 0);
	assert_int_equal(s.closing.nano, 0);
	statement_free(&s);
}

static const struct idempotent request = { 7, "key", "aaaa" };

static void test_key_once(void **state)
{
	const struct idempotent other = { 7, "key", "bbbb" }, somebody = { 8, "key", "bbbb" };
	struct stored_answer a = { 0 };

	(void)state;
	assert_int_equal(idempotent_begin(api, &request, NOW, &a), ERR_OK);
	/* Being worked on; then given back, because it failed. */
	assert_int_equal(idempotent_begin(api, &request, NOW, &a), ERR_CONFLICT);
	assert_int_equal(idempotent_begin(api, &other, NOW, &a), ERR_IDEMPOTENCY);
	assert_int_equal(idempotent_begin(api, &somebody, NOW, &a), ERR_OK);
	assert_int_equal(idempotent_undone(api, &request), ERR_OK);
	assert_int_equal(idempotent_begin(api, &request, NOW, &a), ERR_OK);
	assert_int_equal(idempotent_done(api, &request, 201, "{\"id\":1}"), ERR_OK);
	assert_int_equal(idempotent_begin(api, &request, NOW, &a), ERR_ALREADY);
	assert_int_equal(a.status, 201);
	assert_string_equal(a.body, "{\"id\":1}");
	free(a.body);
	assert_int_equal(idempotent_begin(api, &other, NOW, &a), ERR_IDEMPOTENCY);
	/* A kept answer is not given back. */
	assert_int_equal(idempotent_undone(api, &request), ERR_OK);
	assert_int_equal(idempotent_begin(api, &request, NOW, &a), ERR_ALREADY);
	free(a.body);
}

static void test_key_of_the_dead(void **state)
{
	const struct idempotent i = { 7, "dead", "cccc" };
	struct stored_answer a = { 0 };

	(void)state;
	assert_int_equal(idempotent_begin(api, &i, NOW, &a), ERR_OK);
	assert_int_equal(
		idempotent_begin(api, &i, (struct utc){ NOW.ms + 29999 }, &a), ERR_CONFLICT);
	assert_int_equal(idempotent_begin(api, &i, (struct utc){ NOW.ms + 30000 }, &a), ERR_OK);
	assert_int_equal(
		idempotent_begin(api, &i, (struct utc){ NOW.ms + 30001 }, &a), ERR_CONFLICT);
}

static void *claim(void *ctx)
{
	const struct idempotent i = { 7, "race", "dddd" };
	struct stored_answer a = { 0 };
	struct db *db = fixture_as("yufu_api");

	*(enum err *)ctx = idempotent_begin(db, &i, NOW, &a);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void test_key_race(void **state)
{
	enum err e[8];
	pthread_t t[8];
	int won = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, claim, &e[i]), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		won += e[i] == ERR_OK;
		assert_true(e[i] == ERR_OK || e[i] == ERR_CONFLICT);
	}
	assert_int_equal(won, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_key_once),
		cmocka_unit_test(test_key_of_the_dead),
		cmocka_unit_test(test_key_race),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
